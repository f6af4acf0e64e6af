#include "common/seccomp/check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

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

TEST_F(Check, CatchesAForeignArchitecture) {
  find(kJumpEqual, AUDIT_ARCH_X86_64).jf = 1;
  EXPECT_THAT(complaint(), HasSubstr("the profile means KILL_PROCESS"));
}

TEST_F(Check, CatchesX32) {
  // Both tests of it, libseccomp's own too.
  for (auto& instruction : program_.instructions)
    if (instruction.code == (BPF_JMP | BPF_JGE | BPF_K) && instruction.k == 0x4000'0000)
      instruction.k = 0x8000'0000;
  EXPECT_THAT(complaint(), HasSubstr("syscall 1073741824"));
}

TEST_F(Check, CatchesADroppedNamespaceFlag) {
  find(kAnd, 0x7e02'0000).k = 0x6e02'0000;  // CLONE_NEWUSER slips through
  EXPECT_THAT(complaint(), HasSubstr("(clone)"));
  EXPECT_THAT(complaint(), HasSubstr("the filter says ALLOW, the profile means ERRNO(EPERM)"));
}

TEST_F(Check, CatchesAnIoctlThatHighBitsPass) {
  // A comparison of the upper half in front, as a 64-bit rule would have it.
  const auto at = std::ranges::find_if(
      program_.instructions, [](const sock_filter& i) { return i.code == kJumpEqual && i.k == 0x5412; });
  ASSERT_NE(at, program_.instructions.end());
  auto& code = program_.instructions;
  const auto load = at - 1;  // of the lower half
  const sock_filter upper{BPF_LD | BPF_W | BPF_ABS, 0, 0, load->k + 4};
  const sock_filter test{kJumpEqual, 0, 3, 0};
  const auto position = load - code.begin();
  code.insert(code.begin() + position, {upper, test});
  find(kJumpEqual, SYS_ioctl).jf += 2;  // the jump past this call's block is longer now
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

/// Each instruction changed, one at a time. In our part every change is seen. In libseccomp's tree a few mean
/// nothing: it repeats the tests of architecture and x32 behind ours, and some of its comparisons lie between
/// two calls of one fate.
TEST_F(Check, CatchesAnyChangedInstruction) {
  auto& code = program_.instructions;
  const auto loads_architecture = [](const sock_filter& i) {
    return i.code == (BPF_LD | BPF_W | BPF_ABS) && i.k == 4;
  };
  const auto tree = std::find_if(code.begin() + 1, code.end(), loads_architecture) - code.begin();
  std::ptrdiff_t missed_in_tree = 0;
  for (std::ptrdiff_t at = 0; at < std::ssize(code); ++at) {
    auto& instruction = code[static_cast<std::size_t>(at)];
    instruction.k ^= 1;
    if (checked()) {
      EXPECT_GE(at, tree);
      ++missed_in_tree;
    }
    instruction.k ^= 1;
  }
  EXPECT_LT(missed_in_tree, (std::ssize(code) - tree) / 20);
}

}  // namespace
}  // namespace herd::seccomp
