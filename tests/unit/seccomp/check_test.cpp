#include "common/seccomp/check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <iterator>

#include "common/seccomp/evaluator.hpp"
#include "common/seccomp/presets.hpp"

namespace herd::seccomp {
namespace {

using testing::HasSubstr;

class Check : public testing::Test {
 protected:
  Check()
      : profile_(preset("worker").value()),
        program_(compile(profile_, Policy::errno_, Arch::x86_64).value()) {}

  [[nodiscard]] Status checked() const { return check(program_, profile_, Policy::errno_); }
  [[nodiscard]] std::string complaint() const {
    const auto status = checked();
    return status ? "nothing" : status.error().message;
  }
  /// The first instruction of this kind with this operand.
  sock_filter& find(int code, std::uint32_t k) {
    const auto it = std::ranges::find_if(program_.instructions,
                                         [&](const sock_filter& i) { return i.code == code && i.k == k; });
    EXPECT_NE(it, program_.instructions.end());
    return *it;
  }

  Profile profile_;
  Program program_;
};

constexpr int kJumpEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr int kAnd = BPF_ALU | BPF_AND | BPF_K;

TEST_F(Check, AgreesWithTheCompiler) {
  EXPECT_EQ(complaint(), "nothing");
}

TEST_F(Check, CatchesAnotherPolicy) {
  EXPECT_FALSE(check(program_, profile_, Policy::kill));
}

TEST_F(Check, CatchesAFilterThatAsksAndOneThatShould) {
  for (const Policy policy : {Policy::log, Policy::errno_, Policy::kill}) {
    const Program asking = compile(profile_, policy, Arch::x86_64, Denials::notify).value();
    EXPECT_TRUE(check(asking, profile_, policy, Denials::notify));
    EXPECT_FALSE(check(asking, profile_, policy));
    EXPECT_FALSE(check(compile(profile_, policy, Arch::x86_64).value(), profile_, policy, Denials::notify));
  }
}

TEST_F(Check, CatchesAForeignArchitecture) {
  find(kJumpEqual, AUDIT_ARCH_X86_64).jf = 1;
  EXPECT_THAT(complaint(), HasSubstr("the profile means KILL_PROCESS"));
}

TEST_F(Check, CatchesX32) {
  find(BPF_JMP | BPF_JGE | BPF_K, 0x4000'0000).k = 0x8000'0000;
  EXPECT_THAT(complaint(), HasSubstr("syscall 1073741824"));
}

TEST_F(Check, CatchesADroppedNamespaceFlag) {
  find(kAnd, 0x7e02'0000).k = 0x6e02'0000;  // CLONE_NEWUSER slips through
  EXPECT_THAT(complaint(), HasSubstr("(clone)"));
  EXPECT_THAT(complaint(), HasSubstr("the filter says ALLOW, the profile means ERRNO(EPERM)"));
}

TEST_F(Check, CatchesAnIoctlThatHighBitsPass) {
  Profile careless = profile_;  // as a 64-bit rule would have it
  for (Rule& rule : careless.rules)
    if (rule.names.front() == "ioctl")
      for (ArgCondition& condition : rule.conditions) condition = {1, Compare::equal, condition.value};
  program_ = compile(careless, Policy::errno_, Arch::x86_64).value();
  EXPECT_THAT(complaint(), HasSubstr("(ioctl)"));
}

TEST_F(Check, CatchesAWrongErrno) {
  find(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS).k = SECCOMP_RET_ERRNO | EPERM;
  EXPECT_THAT(complaint(), HasSubstr("no name"));
}

TEST_F(Check, CatchesAnInvalidProgram) {
  program_.instructions.resize(20);
  EXPECT_THAT(complaint(), HasSubstr("jumps past the end"));
  program_.instructions.clear();
  EXPECT_THAT(complaint(), HasSubstr("seccomp filter of profile 'worker': an empty filter"));
}

TEST_F(Check, CatchesAnyChangedInstruction) {
  for (sock_filter& instruction : program_.instructions) {
    instruction.k ^= 1;
    EXPECT_FALSE(checked()) << "instruction " << &instruction - program_.instructions.data();
    instruction.k ^= 1;
  }
}

}  // namespace
}  // namespace herd::seccomp
