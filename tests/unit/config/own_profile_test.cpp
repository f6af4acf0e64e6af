#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "common/seccomp/meaning.hpp"
#include "common/seccomp/syscalls.hpp"
#include "config/syscall_groups.hpp"
#include "tests/unit/config/profiles.hpp"

namespace herd::config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::issues_with;
using testing::profile_of;

std::string meaning(const seccomp::Profile& profile, long number, std::array<std::uint64_t, 6> args = {}) {
  seccomp_data data{static_cast<int>(number), seccomp::audit_arch(seccomp::native_arch()), 0, {}};
  std::ranges::copy(args, data.args);
  return seccomp::describe_return(
      seccomp::expected_action(profile, seccomp::Policy::errno_, seccomp::native_arch(), data));
}

TEST(OwnProfile, AddsToItsBase) {
  const auto profile = profile_of(R"({
    "base": "worker", // all that a worker needs
    "allow": ["io_uring_setup", "@reboot"],
    "deny": ["getrandom", {"names": ["chdir"], "errno": "EACCES"}, {"names": ["uname"], "errno": "ENOSYS"}]})");
  EXPECT_EQ(meaning(profile, SYS_read), "ALLOW") << "as in the base";
  EXPECT_EQ(meaning(profile, SYS_io_uring_setup), "ALLOW") << "over the base's ENOSYS";
  EXPECT_EQ(meaning(profile, SYS_reboot), "ALLOW");
  EXPECT_EQ(meaning(profile, SYS_getrandom), "ERRNO(EPERM)");
  EXPECT_EQ(meaning(profile, SYS_chdir), "ERRNO(EACCES)");
  EXPECT_EQ(meaning(profile, SYS_uname), "ERRNO(ENOSYS)");
}

TEST(OwnProfile, WhatIsDeniedIsDeniedWhateverIsAllowed) {
  const auto profile = profile_of(R"({"base": "worker", "allow": ["@mount"], "deny": ["pivot_root"]})");
  EXPECT_EQ(meaning(profile, SYS_mount), "ALLOW");
  EXPECT_EQ(meaning(profile, SYS_pivot_root), "ERRNO(EPERM)");
}

struct OwnOperatorRow {
  const char* condition;
  std::vector<std::uint64_t> holds, fails;
};

class OwnOperator : public ::testing::TestWithParam<OwnOperatorRow> {};
INSTANTIATE_TEST_SUITE_P(
    All, OwnOperator,
    ::testing::Values(
        OwnOperatorRow{R"("op": "equal", "value": 5)", {5}, {4, 6, 0x1'0000'0005}},
        OwnOperatorRow{R"("op": "equal", "value": "0x5", "width": 32)", {5, 0x1'0000'0005}, {4, 6}},
        OwnOperatorRow{R"("op": "not_equal", "value": 5)", {4, 0x1'0000'0005}, {5}},
        OwnOperatorRow{R"("op": "less", "value": 5)", {0, 4}, {5, 0x1'0000'0000}},
        OwnOperatorRow{R"("op": "less_or_equal", "value": 5)", {0, 5}, {6}},
        OwnOperatorRow{R"("op": "greater", "value": 5)", {6, 0x1'0000'0000}, {5}},
        OwnOperatorRow{R"("op": "greater_or_equal", "value": 5)", {5, 0x1'0000'0000}, {4}},
        OwnOperatorRow{R"("op": "masked", "mask": "0xff00000000", "value": "0x100000000")",
                       {0x1'0000'0000, 0x1'0000'00ff},
                       {0, 0x3'0000'0000}},
        OwnOperatorRow{R"("op": "any_bits", "value": 6)", {2, 4, 7}, {0, 1, 8}},
        OwnOperatorRow{R"("op": "any_bits", "value": "0x8000000000000000")", {~std::uint64_t{0}}, {0, 1}},
        OwnOperatorRow{R"("op": "all_bits", "value": 6)", {6, 7}, {2, 4, 0}}));

TEST_P(OwnOperator, Compares) {
  const auto profile =
      profile_of(R"({"base": "worker", "allow": [{"names": ["mount"], "args": [{"index": 1, )" +
                 std::string(GetParam().condition) + "}]}]}");
  for (const std::uint64_t value : GetParam().holds)
    EXPECT_EQ(meaning(profile, SYS_mount, {0, value}), "ALLOW") << value;
  for (const std::uint64_t value : GetParam().fails)
    EXPECT_EQ(meaning(profile, SYS_mount, {0, value}), "ERRNO(EPERM)") << value;
}

TEST(OwnProfile, TellsEachProblemWithItsPlace) {
  EXPECT_THAT(
      issues_with(R"({
  "base": "worker",
  "allow": ["raed", "@file-sistem", 5],
  "deny": [
    {"names": ["read"], "args": [{"index": 0, "op": "masked", "value": 1}]},
    {"names": ["read"], "args": [{"index": 0, "op": "less", "value": 1, "width": 32}]},
    {"names": ["read"], "args": [{"index": 0, "op": "les", "value": 1}]},
    {"names": ["read"], "when": []}
  ],
  "alow": []})"),
      ElementsAre(HasSubstr("p.json:3: /allow/0: no architecture has a syscall \"raed\""),
                  HasSubstr("/allow/1: there is no group \"@file-sistem\"; did you mean \"@file-system\"?"),
                  HasSubstr("/allow/2: found 5, expected an object"),
                  HasSubstr("/deny/0/args/0: \"masked\" needs a \"mask\""),
                  HasSubstr("/deny/1/args/0/width: with width 32"),
                  HasSubstr("/deny/2/args/0/op: found \"les\""), HasSubstr("/deny/3/when: unknown key"),
                  HasSubstr("/alow: unknown key")));
  EXPECT_THAT(issues_with(R"({"base": "wroker"})"),
              ElementsAre(HasSubstr("/base: unknown profile \"wroker\"")));
  EXPECT_THAT(issues_with(R"({"allow": []})"), ElementsAre(HasSubstr("\"base\" is missing")));
  EXPECT_THAT(issues_with("[]"), Contains(HasSubstr("found a list, expected an object")));
}

TEST(Groups, HoldCallsThatThereAre) {
  const auto& groups = syscall_groups();
  EXPECT_GT(groups.size(), 25U);
  for (const auto& [group, names] : groups) {
    EXPECT_FALSE(names.empty()) << group;
    for (const std::string& name : names) EXPECT_TRUE(seccomp::is_syscall_name(name)) << group << " " << name;
  }
}

TEST(Groups, HoldTheGroupsThatTheyName) {
  const auto& groups = syscall_groups();
  EXPECT_THAT(groups.at("@system-service"), Contains("timer_create")) << "of @timer";
  EXPECT_THAT(groups.at("@system-service"), Contains("read")) << "of @basic-io";
}

}  // namespace
}  // namespace herd::config
