// The evaluator against the kernel itself: random programs, the same answer.
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <array>
#include <cerrno>
#include <random>
#include <vector>

#include "common/seccomp/evaluator.hpp"
#include "common/seccomp/profile.hpp"
#include "tests/unit/seccomp/instructions.hpp"
#include "tests/unit/seccomp/under_filter.hpp"

namespace herd::seccomp {
namespace {

using test::Code;
using test::op;
using Random = std::mt19937;

/// No kernel has it: without a filter it is ENOSYS.
constexpr int kProbe = 999;
constexpr std::uint32_t kErrnoBits = 0xfff;  // MAX_ERRNO

std::uint32_t pick(Random& random, std::uint32_t below) {
  return static_cast<std::uint32_t>(random()) % below;
}

std::uint32_t pick_value(Random& random) {
  constexpr std::array<std::uint32_t, 6> kEdges = {0, 1, 31, 0x7fff'ffff, 0x8000'0000, 0xffff'ffff};
  return pick(random, 2) == 0 ? static_cast<std::uint32_t>(random()) : kEdges[pick(random, kEdges.size())];
}

/// Valid more often than not; `left` instructions lie behind it.
sock_filter random_instruction(Random& random, std::uint32_t left) {
  constexpr std::array kComputations = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_AND,
                                        BPF_OR,  BPF_XOR, BPF_LSH, BPF_RSH, BPF_NEG};
  constexpr std::array kJumps = {BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET};
  const int source = pick(random, 2) == 0 ? BPF_K : BPF_X;
  switch (pick(random, 8)) {
    case 0:
      return op(BPF_LD | BPF_IMM, pick_value(random));
    case 1:
      return op(BPF_LDX | BPF_IMM, pick_value(random));
    case 2:
      return op(pick(random, 2) == 0 ? BPF_ST : BPF_STX, pick(random, 3));
    case 3:
      return op(pick(random, 2) == 0 ? BPF_LD | BPF_MEM : BPF_LDX | BPF_MEM, pick(random, 3));
    case 4:
      return op(BPF_MISC | (pick(random, 2) == 0 ? BPF_TAX : BPF_TXA));
    case 5:
      return op(BPF_LD | BPF_W | BPF_ABS, 16 + 4 * pick(random, 12));
    case 6:
      return op(BPF_JMP | kJumps[pick(random, kJumps.size())] | source, pick_value(random),
                pick(random, left), pick(random, left));
    default: {
      const int computation = kComputations[pick(random, kComputations.size())];
      const bool shift = computation == BPF_LSH || computation == BPF_RSH;
      const std::uint32_t nonzero = computation == BPF_DIV ? 1 : 0;
      return op(BPF_ALU | computation | (computation == BPF_NEG ? 0 : source),
                shift ? pick(random, 32) : pick_value(random) | nonzero);
    }
  }
}

/// Answers the probe with an errno that it computes from the arguments, and lets all other calls pass.
Code random_program(Random& random) {
  constexpr std::uint32_t kBody = 24;
  Code code = {op(BPF_LD | BPF_W | BPF_ABS, 0), op(BPF_JMP | BPF_JEQ | BPF_K, kProbe, 1, 0),
               op(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  for (std::uint32_t i = 0; i < 3; ++i) {  // scratch memory that may be read; X that no shift takes too far
    code.push_back(op(BPF_ST, i));
    code.push_back(op(BPF_LD | BPF_W | BPF_ABS, 16 + 8 * i));
  }
  for (std::uint32_t i = 0; i < kBody; ++i) {
    sock_filter instruction = random_instruction(random, kBody - i);
    const bool shifts_by_x =
        instruction.code == (BPF_ALU | BPF_LSH | BPF_X) || instruction.code == (BPF_ALU | BPF_RSH | BPF_X);
    if (shifts_by_x) instruction = op(BPF_ALU | BPF_XOR | BPF_X);  // by 32 and more is not defined
    code.push_back(instruction);
  }
  code.push_back(op(BPF_ALU | BPF_AND | BPF_K, kErrnoBits));
  code.push_back(op(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO));
  code.push_back(op(BPF_RET | BPF_A));
  return code;
}

using Arguments = std::array<long, 6>;

seccomp_data probe(const Arguments& arguments) {
  seccomp_data data{kProbe, audit_arch(native_arch()), 0, {}};
  for (std::size_t i = 0; i < arguments.size(); ++i) data.args[i] = static_cast<std::uint64_t>(arguments[i]);
  return data;
}

/// 0: all answers are as the evaluator's; else 1 + the number of the set of arguments that is not.
int compare_answers(const Evaluator& evaluator, const std::vector<Arguments>& sets) {
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const auto& s = sets[i];
    const std::uint32_t expected = evaluator.run(probe(s));
    if (expected == SECCOMP_RET_KILL_THREAD) continue;  // a division by zero: can't be seen from inside
    if (static_cast<std::uint32_t>(test::raw(kProbe, s[0], s[1], s[2], s[3], s[4], s[5])) !=
        (expected & kErrnoBits))
      return static_cast<int>(i) + 1;
  }
  return 0;
}

TEST(EvaluatorAndKernel, AgreeOnRandomPrograms) {
  constexpr int kPrograms = 300;
  Random random(20240229);
  int ran = 0;
  for (int i = 0; i < kPrograms; ++i) {
    const Code code = random_program(random);
    std::vector<Arguments> sets(20);
    for (auto& set : sets)
      for (auto& argument : set)
        argument = static_cast<long>(std::uint64_t{pick_value(random)} << 32 | pick_value(random));
    const auto evaluator = Evaluator::make(code);
    ASSERT_TRUE(evaluator) << "program " << i << ": " << evaluator.error().message;
    const auto end = test::run_under(code, [&] { return compare_answers(*evaluator, sets); });
    ASSERT_EQ(end.exit_code, 0) << "program " << i << ", arguments " << end.exit_code - 1;
    ++ran;
  }
  EXPECT_EQ(ran, kPrograms);
}

/// Breaks a valid program in one place.
Code broken(Random& random) {
  Code code = random_program(random);
  sock_filter& instruction = code[pick(random, static_cast<std::uint32_t>(code.size()))];
  switch (pick(random, 4)) {
    case 0:
      instruction.code = static_cast<std::uint16_t>(pick(random, 256));
      break;
    case 1:
      instruction.k = pick_value(random);
      break;
    case 2:
      instruction.jt = static_cast<std::uint8_t>(random());
      break;
    default:
      instruction = op(BPF_LD | BPF_MEM, 3 + pick(random, 14));
  }
  return code;
}

TEST(EvaluatorAndKernel, AgreeOnWhatIsValid) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's runtime in a child waits for ever for calls that a broken filter denies";
#endif
  constexpr int kPrograms = 1500;
  Random random(42);
  std::vector<Code> programs;
  for (int i = 0; i < kPrograms; ++i) programs.push_back(broken(random));
  // A broken filter may end its process at the next call, so each has a child of its own, and whether the
  // kernel took it is told through shared memory, without a call.
  auto* refused = static_cast<int*>(
      ::mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(refused, MAP_FAILED);
  int valid = 0, invalid = 0;
  for (int i = 0; i < kPrograms; ++i) {
    *refused = 0;
    test::run_plain([&] {
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      const auto status = install(programs[i], {});
      *refused = !status && status.error().errno_value == EINVAL ? 1 : 0;
      return 0;
    });
    ASSERT_EQ(!Evaluator::make(programs[i]), *refused == 1) << "program " << i;
    ++(*refused == 1 ? invalid : valid);
  }
  ::munmap(refused, sizeof(int));
  EXPECT_GT(valid, 100);
  EXPECT_GT(invalid, 100);
}

}  // namespace
}  // namespace herd::seccomp
