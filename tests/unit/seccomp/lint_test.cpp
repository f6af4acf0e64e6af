#include "common/seccomp/lint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/seccomp/build.hpp"
#include "common/seccomp/disassemble.hpp"
#include "common/seccomp/presets.hpp"

namespace herd::seccomp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string> found_in(const Profile& profile, LintFinding::Kind kind) {
  std::vector<std::string> lines;
  for (const LintFinding& finding : lint(profile, native_arch()))
    if (finding.kind == kind) lines.push_back(finding.call + " " + finding.message);
  return lines;
}

Profile worker_and(std::vector<Rule> rules) {
  Profile profile = preset("worker").value();
  for (Rule& rule : rules) {
    rule.layer = 1;
    profile.rules.push_back(std::move(rule));
  }
  return profile;
}

TEST(Lint, TheWorkersProfileIsClean) {
  for (const Arch arch : {Arch::x86_64, Arch::aarch64}) {
    const auto findings = lint(preset("worker").value(), arch);
    EXPECT_TRUE(findings.empty()) << findings.front().call << ": " << findings.front().message;
  }
}

TEST(Lint, SeesWhatIsDangerous) {
  const auto found = found_in(worker_and({{{"ptrace"}, Action::allow, {}},
                                          {{"clone3"}, Action::allow, {}},
                                          {{"clone"}, Action::allow, {}},
                                          {{"ioctl"}, Action::allow, {}},
                                          {{"socket"}, Action::log, {low32(0, 38)}}}),
                              LintFinding::Kind::dangerous);
  EXPECT_THAT(found, testing::UnorderedElementsAre(HasSubstr("ptrace"), HasSubstr("clone3"),
                                                   HasSubstr("CLONE_NEWUSER"), HasSubstr("TIOCSTI"),
                                                   HasSubstr("TIOCLINUX"), HasSubstr("AF_ALG")));
}

TEST(Lint, SeesWhatLibcNeeds) {
  EXPECT_THAT(
      found_in(worker_and({{{"futex", "rt_sigreturn"}, Action::deny, {}}}), LintFinding::Kind::needed),
      ElementsAre(HasSubstr("rt_sigreturn"), HasSubstr("futex")));
}

TEST(Lint, WhatIsAllowedByItsArgumentsIsNotMissing) {
  Profile profile = preset("worker").value();
  for (Rule& rule : profile.rules) std::erase(rule.names, "mprotect");
  profile.rules.push_back({{"mprotect"}, Action::allow, {{2, Compare::equal, 1}}});
  EXPECT_THAT(found_in(profile, LintFinding::Kind::needed), IsEmpty());
}

TEST(Lint, SeesWhereNothingFallsBack) {
  const Profile profile =
      worker_and({{{"clone3"}, Action::deny, {}}, {{"faccessat2"}, Action::no_such_syscall, {}}});
  EXPECT_THAT(
      found_in(profile, LintFinding::Kind::no_fallback),
      ElementsAre(
          "clone3 is denied with ERRNO(EPERM); programs try it first and fall back from ENOSYS only"));
}

TEST(Lint, SeesAddressesThatAreCompared) {
  const Profile profile = worker_and({{{"openat"}, Action::deny, {{1, Compare::equal, 0x1000}}},
                                      {{"openat"}, Action::deny, {{1, Compare::equal, 0}}},
                                      {{"prlimit64"}, Action::deny, {{2, Compare::not_equal, 0}}}});
  EXPECT_THAT(found_in(profile, LintFinding::Kind::pointer),
              ElementsAre(HasSubstr("openat argument 1 is an address")));
}

TEST(Lint, SeesTestsThatAHighBitPasses) {
  const auto kind = LintFinding::Kind::high_bits;
  EXPECT_THAT(found_in(worker_and({{{"ioctl"}, Action::deny, {{1, Compare::equal, 0x5412}}}}), kind),
              ElementsAre(HasSubstr("Use a mask of 0xffffffff")));
  EXPECT_THAT(found_in(worker_and({{{"socket"}, Action::allow, {{0, Compare::not_equal, 38}}}}), kind),
              ElementsAre(HasSubstr("argument 0")));
  EXPECT_THAT(found_in(worker_and({{{"socket"}, Action::allow, {{0, Compare::equal, 1}}}}), kind), IsEmpty());
  EXPECT_THAT(found_in(worker_and({{{"ioctl"}, Action::deny, {low32(1, 0x5412)}}}), kind), IsEmpty());
}

TEST(Disassemble, NamesFieldsAndAnswers) {
  const auto program = build("worker", Policy::errno_, Arch::x86_64).value();
  const std::string text = disassemble(program.instructions);
  EXPECT_THAT(text,
              testing::StartsWith("l0: ld [4]  ; arch\nl1: jeq #0xc000003e, l3, l2\nl2: ret #0x80000000  ; "
                                  "KILL_PROCESS\nl3: ld [0]  ; nr\n"));
  EXPECT_THAT(text, HasSubstr("; args[1] low"));
  EXPECT_THAT(text, HasSubstr("; ERRNO(ENOSYS)"));
  EXPECT_THAT(text, Not(HasSubstr("return value")));
}

}  // namespace
}  // namespace herd::seccomp
