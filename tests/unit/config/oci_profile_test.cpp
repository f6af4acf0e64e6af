#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "common/seccomp/build.hpp"
#include "common/seccomp/evaluator.hpp"
#include "common/seccomp/meaning.hpp"
#include "config/preset_catalog.hpp"
#include "tests/unit/config/profiles.hpp"

namespace herd::config {
namespace {

using seccomp::Action;
using seccomp::Arch;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::issues_with;
using testing::profile_of;

/// What the compiled filter answers under policy `errno`, as text.
std::string answer(const seccomp::Profile& profile, long number, std::array<std::uint64_t, 6> args = {},
                   Arch arch = seccomp::native_arch()) {
  const auto program = seccomp::build(profile, seccomp::Policy::errno_, arch);
  if (!program) return program.error().message;
  seccomp_data data{static_cast<int>(number), seccomp::audit_arch(arch), 0, {}};
  std::ranges::copy(args, data.args);
  return seccomp::describe_return(seccomp::evaluate(program->instructions, data).value_or(0xdead));
}

seccomp::Profile docker(ProfileContext context = {}) {
  auto profile = find_preset("docker", context);
  EXPECT_TRUE(profile) << profile.error().message;
  return profile.value_or(seccomp::Profile{});
}

TEST(DockerProfile, BecomesAFilterForEachArchitectureAndPolicy) {
  for (const Arch arch : {Arch::x86_64, Arch::aarch64}) {
    ProfileContext context;
    context.arch = arch;
    const auto profile = docker(context);
    for (const auto policy : {seccomp::Policy::log, seccomp::Policy::errno_, seccomp::Policy::kill}) {
      const auto program = seccomp::build(profile, policy, arch);
      ASSERT_TRUE(program) << program.error().message;
      EXPECT_GT(program->summary.allowed, 250U);
    }
  }
}

TEST(DockerProfile, AnswersAsDockerDoes) {
  const auto profile = docker();
  EXPECT_EQ(answer(profile, SYS_read), "ALLOW");
  EXPECT_EQ(answer(profile, SYS_unshare), "ERRNO(EPERM)");
  EXPECT_EQ(answer(profile, SYS_clone3), "ERRNO(ENOSYS)");
  EXPECT_EQ(answer(profile, SYS_clone, {17}), "ALLOW");
  EXPECT_EQ(answer(profile, SYS_clone, {0x1000'0011}), "ERRNO(EPERM)");
  EXPECT_EQ(answer(profile, SYS_socket, {2}), "ALLOW");
  EXPECT_EQ(answer(profile, SYS_socket, {38}), "ERRNO(EPERM)") << "AF_ALG";
  EXPECT_EQ(answer(profile, SYS_socket, {39}), "ALLOW");
  EXPECT_EQ(answer(profile, SYS_socket, {40}), "ERRNO(EPERM)") << "AF_VSOCK";
  EXPECT_EQ(answer(profile, SYS_personality, {8}), "ALLOW");
  EXPECT_EQ(answer(profile, SYS_personality, {0x40000}), "ERRNO(EPERM)");
  EXPECT_EQ(answer(profile, 462), "ALLOW") << "mseal, newer than libseccomp";
  EXPECT_EQ(answer(profile, 468), "ERRNO(ENOSYS)") << "file_getattr, newer than the profile";
}

TEST(DockerProfile, OpensWhatTheWorkersCapabilitiesNeed) {
  const auto admin = docker({.capabilities = {"CAP_SYS_ADMIN"}});
  EXPECT_EQ(answer(admin, SYS_unshare), "ALLOW");
  EXPECT_EQ(answer(admin, SYS_clone3), "ALLOW");
  EXPECT_EQ(answer(admin, SYS_clone, {0x1000'0011}), "ALLOW");
  EXPECT_EQ(answer(docker({.capabilities = {"CAP_SYS_TIME"}}), SYS_clock_settime), "ALLOW");
  EXPECT_EQ(answer(docker(), SYS_clock_settime), "ERRNO(EPERM)");
}

TEST(DockerProfile, OldKernelsHadPtraceHoles) {
  EXPECT_EQ(answer(docker({.kernel = {4, 7}}), SYS_ptrace), "ERRNO(EPERM)");
  EXPECT_EQ(answer(docker({.kernel = {4, 8}}), SYS_ptrace), "ALLOW");
}

TEST(DockerProfile, HasPartsForOneArchitecture) {
  EXPECT_EQ(answer(docker(), SYS_arch_prctl), "ALLOW");
  ProfileContext arm;
  arm.arch = Arch::aarch64;
  EXPECT_EQ(docker(arm).rules.size() + 1, docker().rules.size())
      << "arch_prctl, modify_ldt; arm_fadvise64_64";
}

TEST(OciProfile, EveryAction) {
  const auto profile = profile_of(R"({
    "defaultAction": "SCMP_ACT_KILL_PROCESS",
    "syscalls": [
      {"names": ["read"], "action": "SCMP_ACT_ALLOW"},
      {"names": ["write"], "action": "SCMP_ACT_LOG"},
      {"names": ["open"], "action": "SCMP_ACT_ERRNO"},
      {"names": ["close"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13},
      {"names": ["stat"], "action": "SCMP_ACT_ERRNO", "errno": "ENOENT"},
      {"names": ["fstat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
      {"names": ["lstat"], "action": "SCMP_ACT_TRAP"},
      {"names": ["poll"], "action": "SCMP_ACT_KILL"},
      {"names": ["lseek"], "action": "SCMP_ACT_KILL_THREAD"},
      {"names": ["mmap"], "action": "SCMP_ACT_TRACE"},
      {"name": "brk", "action": "SCMP_ACT_ALLOW", "args": null}
    ]})");
  const std::vector<std::pair<long, std::string>> wanted{
      {SYS_read, "ALLOW"},          {SYS_write, "LOG"},          {SYS_open, "ERRNO(EPERM)"},
      {SYS_close, "ERRNO(EACCES)"}, {SYS_stat, "ERRNO(ENOENT)"}, {SYS_fstat, "ERRNO(ENOSYS)"},
      {SYS_lstat, "TRAP"},          {SYS_poll, "KILL_PROCESS"},  {SYS_lseek, "KILL_PROCESS"},
      {SYS_mmap, "ERRNO(ENOSYS)"},  {SYS_brk, "ALLOW"},          {SYS_mprotect, "KILL_PROCESS"}};
  for (const auto& [number, text] : wanted) EXPECT_EQ(answer(profile, number), text) << number;
}

TEST(OciProfile, TheDefaultsErrorIsAnsweredWhereNoRuleMatches) {
  EXPECT_EQ(answer(profile_of(R"({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 13})"), SYS_read),
            "ERRNO(EACCES)");
  EXPECT_EQ(answer(profile_of(R"({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrno": "ENOSYS"})"), SYS_read),
            "ERRNO(ENOSYS)");
}

struct OperatorRow {
  const char* name;
  std::vector<std::uint64_t> holds, fails;
};

class OciOperator : public ::testing::TestWithParam<OperatorRow> {};
INSTANTIATE_TEST_SUITE_P(All, OciOperator,
                         ::testing::Values(OperatorRow{"NE", {4, 6, 0x1'0000'0005}, {5}},
                                           OperatorRow{"LT", {0, 4}, {5, 6, 0x1'0000'0000}},
                                           OperatorRow{"LE", {0, 5}, {6, 0x1'0000'0000}},
                                           OperatorRow{"EQ", {5}, {4, 6, 0x1'0000'0005}},
                                           OperatorRow{"GE", {5, 0x1'0000'0000}, {0, 4}},
                                           OperatorRow{"GT", {6, 0x1'0000'0000}, {0, 5}},
                                           OperatorRow{"MASKED_EQ", {1, 3, 0x1'0000'0001}, {0, 2, 4, 5}}));

TEST_P(OciOperator, ComparesTheWholeArgument) {
  const auto profile = profile_of(R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"],
      "action": "SCMP_ACT_ALLOW", "args": [{"index": 2, "value": 5, "valueTwo": 1, "op": "SCMP_CMP_)" +
                                  std::string(GetParam().name) + "\"}]}]}");
  for (const std::uint64_t value : GetParam().holds)
    EXPECT_EQ(answer(profile, SYS_read, {0, 0, value}), "ALLOW") << value;
  for (const std::uint64_t value : GetParam().fails)
    EXPECT_EQ(answer(profile, SYS_read, {0, 0, value}), "ERRNO(EPERM)") << value;
}

TEST(OciProfile, AllConditionsOfARuleAndAnyOfTheRules) {
  const auto profile = profile_of(R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
      {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [
        {"index": 0, "value": 10, "op": "SCMP_CMP_GE"}, {"index": 0, "value": 20, "op": "SCMP_CMP_LT"}]},
      {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [
        {"index": 1, "value": 18446744073709551615, "op": "SCMP_CMP_EQ"}]}]})");
  EXPECT_EQ(answer(profile, SYS_read, {15}), "ALLOW");
  EXPECT_EQ(answer(profile, SYS_read, {25}), "ERRNO(EPERM)");
  EXPECT_EQ(answer(profile, SYS_read, {25, ~std::uint64_t{0}}), "ALLOW");
}

TEST(OciProfile, Clone3FallsBackWhereTheProfileSaysNothingOfIt) {
  const std::string end = R"("syscalls": [{"names": ["clone"], "action": "SCMP_ACT_ALLOW"}]})";
  EXPECT_EQ(answer(profile_of(R"({"defaultAction": "SCMP_ACT_ERRNO", )" + end), SYS_clone3), "ERRNO(ENOSYS)");
  EXPECT_EQ(answer(profile_of(R"({"defaultAction": "SCMP_ACT_KILL", )" + end), SYS_clone3), "ERRNO(ENOSYS)");
  EXPECT_EQ(answer(profile_of(R"({"defaultAction": "SCMP_ACT_ALLOW", )" + end), SYS_clone3), "ALLOW");
  EXPECT_EQ(answer(profile_of(R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"name": "clone3", "action": "SCMP_ACT_ALLOW", "args": null}]})"),
                   SYS_clone3),
            "ALLOW");
}

TEST(OciProfile, WhatPodmanAddsIsRead) {
  const auto profile = profile_of(R"({
    "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "defaultErrno": "ENOSYS",
    "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
                {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": null}],
    "flags": ["SECCOMP_FILTER_FLAG_LOG"],
    "syscalls": [{"names": ["bdflush", "io_pgetevents_time64", "mount"], "action": "SCMP_ACT_ERRNO", "args": [],
                  "comment": "", "includes": {}, "excludes": {}, "errnoRet": 1, "errno": "EPERM"}]})");
  EXPECT_EQ(answer(profile, SYS_mount), "ERRNO(EPERM)");
  EXPECT_EQ(answer(profile, SYS_read), "ERRNO(ENOSYS)");
}

TEST(OciProfile, TellsEachProblemWithItsPlace) {
  EXPECT_THAT(issues_with(R"({
  "defaultAction": "SCMP_ACT_ALOW",
  "syscals": [],
  "syscalls": [
    {"names": ["raed"], "action": "SCMP_ACT_ALLOW"},
    {"names": ["read"], "action": "SCMP_ACT_NOTIFY"},
    {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]},
    {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "value": -1, "op": "SCMP_CMP_EG"}]},
    {"names": [], "action": "SCMP_ACT_ALLOW"},
    {"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "five"}},
    {"action": "SCMP_ACT_ERRNO", "errnoRet": 0}
  ]})"),
              ElementsAre(HasSubstr("p.json:2: /defaultAction: found \"SCMP_ACT_ALOW\""),
                          HasSubstr("p.json:3: /syscals: unknown key; did you mean \"syscalls\"?"),
                          HasSubstr("no architecture has a syscall \"raed\"; did you mean \"read\"?"),
                          HasSubstr("p.json:6: /syscalls/1/action: needs a supervisor"),
                          HasSubstr("/syscalls/2/args/0/index"), HasSubstr("/syscalls/3/args/0/value"),
                          HasSubstr("/syscalls/3/args/0/op"), HasSubstr("/syscalls/4/names"),
                          HasSubstr("/syscalls/5/includes/minKernel"), HasSubstr("/syscalls/6/errnoRet"),
                          HasSubstr("\"names\" is missing")));
}

TEST(OciProfile, AProblemWithANameIsPlacedThere) {
  EXPECT_THAT(issues_with(R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
    {"name": "raed", "action": "SCMP_ACT_ALLOW"}]})"),
              ElementsAre(HasSubstr("p.json:2: /syscalls/0/name: no architecture has")));
}

TEST(OciProfile, ForOtherArchitecturesIsRefused) {
  EXPECT_THAT(issues_with(R"({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_S390X"]})"),
              ElementsAre(HasSubstr("is for other architectures than this one")));
}

TEST(OciProfile, AMaskThatNothingPassesIsRefused) {
  EXPECT_THAT(issues_with(R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"],
      "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "valueTwo": 2, "op": "SCMP_CMP_MASKED_EQ"}]}]})"),
              ElementsAre(HasSubstr("can never hold")));
}

TEST(KernelVersion, IsReadFromARelease) {
  EXPECT_EQ(parse_kernel_version("6.1.0-56-cloud-amd64"), (KernelVersion{6, 1}));
  EXPECT_EQ(parse_kernel_version("4.8"), (KernelVersion{4, 8}));
  for (const char* text : {"", "6", "x.1", "6.", "6.x"})
    EXPECT_EQ(parse_kernel_version(text), std::nullopt) << text;
  EXPECT_GT(running_kernel(), (KernelVersion{5, 0}));
}

}  // namespace
}  // namespace herd::config
