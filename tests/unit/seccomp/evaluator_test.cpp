#include "common/seccomp/evaluator.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/seccomp/instructions.hpp"

namespace herd::seccomp {
namespace {

using test::Code;
using test::op;

const sock_filter kReturnA = op(BPF_RET | BPF_A);
const sock_filter kReturn7 = op(BPF_RET | BPF_K, 7);

std::uint32_t run(const Code& code, const seccomp_data& data = {}) {
  const auto value = evaluate(code, data);
  EXPECT_TRUE(value) << (value ? "" : value.error().message);
  return value.value_or(0xdead);
}

/// A = 100, X = 7, then the instruction, then A.
std::uint32_t with_100_and_7(sock_filter instruction) {
  return run({op(BPF_LDX | BPF_IMM, 7), op(BPF_LD | BPF_IMM, 100), instruction, kReturnA});
}

TEST(Evaluator, Computes) {
  EXPECT_EQ(with_100_and_7(op(BPF_ALU | BPF_ADD | BPF_K, 5)), 105U);
  EXPECT_EQ(with_100_and_7(op(BPF_ALU | BPF_ADD | BPF_X)), 107U);
  EXPECT_EQ(with_100_and_7(op(BPF_ALU | BPF_SUB | BPF_K, 101)), 0xffff'ffffU);
  EXPECT_EQ(with_100_and_7(op(BPF_ALU | BPF_MUL | BPF_X)), 700U);
  EXPECT_EQ(with_100_and_7(op(BPF_ALU | BPF_DIV | BPF_X)), 14U);
  EXPECT_EQ(with_100_and_7(op(BPF_ALU | BPF_AND | BPF_K, 0x60)), 0x60U);
  EXPECT_EQ(with_100_and_7(op(BPF_ALU | BPF_OR | BPF_X)), 103U);
  EXPECT_EQ(with_100_and_7(op(BPF_ALU | BPF_XOR | BPF_K, 1)), 101U);
  EXPECT_EQ(with_100_and_7(op(BPF_ALU | BPF_LSH | BPF_K, 2)), 400U);
  EXPECT_EQ(with_100_and_7(op(BPF_ALU | BPF_RSH | BPF_X)), 0U);
  EXPECT_EQ(with_100_and_7(op(BPF_ALU | BPF_NEG)), 0U - 100U);
  EXPECT_EQ(with_100_and_7(op(BPF_MISC | BPF_TXA)), 7U);
}

TEST(Evaluator, EndsTheThreadOnDivisionByZero) {
  EXPECT_EQ(run({op(BPF_LD | BPF_IMM, 1), op(BPF_ALU | BPF_DIV | BPF_X), kReturn7}), SECCOMP_RET_KILL_THREAD);
}

TEST(Evaluator, ReadsTheCall) {
  const seccomp_data data{5, 0xabc, 0x1122'3344'5566'7788, {1, 2, 3, 4, 5, 0xaaaa'bbbb'cccc'dddd}};
  const auto word = [&](std::uint32_t offset) {
    return run({op(BPF_LD | BPF_W | BPF_ABS, offset), kReturnA}, data);
  };
  EXPECT_EQ(word(0), 5U);
  EXPECT_EQ(word(4), 0xabcU);
  EXPECT_EQ(word(8), 0x5566'7788U);
  EXPECT_EQ(word(56), 0xcccc'ddddU);
  EXPECT_EQ(word(60), 0xaaaa'bbbbU);
  EXPECT_EQ(run({op(BPF_LD | BPF_W | BPF_LEN), kReturnA}, data), sizeof(seccomp_data));
}

TEST(Evaluator, KeepsScratchMemory) {
  EXPECT_EQ(run({op(BPF_LD | BPF_IMM, 9), op(BPF_ST, 15), op(BPF_LD | BPF_IMM, 1), op(BPF_LDX | BPF_MEM, 15),
                 op(BPF_MISC | BPF_TXA), kReturnA}),
            9U);
}

TEST(Evaluator, Jumps) {
  const auto taken = [](int jump, std::uint32_t k) {
    return run({op(BPF_LD | BPF_IMM, 0x8000'0000), op(BPF_JMP | jump | BPF_K, k, 1, 0),
                op(BPF_RET | BPF_K, 0), op(BPF_RET | BPF_K, 1)}) == 1;
  };
  EXPECT_TRUE(taken(BPF_JEQ, 0x8000'0000));
  EXPECT_FALSE(taken(BPF_JEQ, 0));
  EXPECT_TRUE(taken(BPF_JGT, 0x7fff'ffff)) << "comparisons are unsigned";
  EXPECT_FALSE(taken(BPF_JGT, 0x8000'0000));
  EXPECT_TRUE(taken(BPF_JGE, 0x8000'0000));
  EXPECT_FALSE(taken(BPF_JGE, 0x8000'0001));
  EXPECT_TRUE(taken(BPF_JSET, 0xf000'0000));
  EXPECT_FALSE(taken(BPF_JSET, 0x7fff'ffff));
  EXPECT_EQ(run({op(BPF_JMP | BPF_JA, 1), op(BPF_RET | BPF_K, 0), kReturn7}), 7U);
}

TEST(Evaluator, RefusesWhatTheKernelRefuses) {
  const auto refused = [](const Code& code) { return !Evaluator::make(code); };
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused({op(BPF_LD | BPF_IMM, 1)})) << "does not return";
  EXPECT_TRUE(refused({op(BPF_RET | BPF_X)}));
  EXPECT_TRUE(refused({op(BPF_LD | BPF_W | BPF_ABS, 2), kReturn7})) << "unaligned";
  EXPECT_TRUE(refused({op(BPF_LD | BPF_W | BPF_ABS, 64), kReturn7})) << "behind seccomp_data";
  EXPECT_FALSE(refused({op(BPF_LD | BPF_W | BPF_ABS, 60), kReturn7}));
  EXPECT_TRUE(refused({op(BPF_LD | BPF_H | BPF_ABS, 0), kReturn7}));
  EXPECT_TRUE(refused({op(BPF_LD | BPF_W | BPF_IND, 0), kReturn7}));
  EXPECT_TRUE(refused({op(BPF_JMP | BPF_JA, 1), kReturn7}));
  EXPECT_TRUE(refused({op(BPF_JMP | BPF_JA, 0xffff'ffff), kReturn7}));
  EXPECT_TRUE(refused({op(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), kReturn7}));
  EXPECT_TRUE(refused({op(BPF_ALU | BPF_DIV | BPF_K, 0), kReturn7}));
  EXPECT_TRUE(refused({op(BPF_ALU | BPF_MOD | BPF_K, 3), kReturn7}));
  EXPECT_TRUE(refused({op(BPF_ALU | BPF_LSH | BPF_K, 32), kReturn7}));
  EXPECT_TRUE(refused({op(BPF_ST, 16), kReturn7}));
  EXPECT_TRUE(refused({op(BPF_LD | BPF_MEM, 0), kReturn7})) << "never written";
  EXPECT_TRUE(
      refused({op(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), op(BPF_ST, 0), op(BPF_LD | BPF_MEM, 0), kReturn7}))
      << "not written on one way";
}

TEST(Evaluator, BoundsTheLength) {
  EXPECT_TRUE(Evaluator::make(Code(kMaxInstructions, kReturn7)));
  EXPECT_FALSE(Evaluator::make(Code(kMaxInstructions + 1, kReturn7)));
}

}  // namespace
}  // namespace herd::seccomp
