#include "common/seccomp/evaluator.hpp"

#include <array>
#include <cstring>
#include <vector>

namespace herd::seccomp {
namespace {

tl::unexpected<Error> invalid(std::size_t at, const char* why) {
  return fail("instruction " + std::to_string(at) + ": " + why);
}

bool is_conditional_jump(std::uint16_t code) {
  return BPF_CLASS(code) == BPF_JMP && BPF_OP(code) != BPF_JA;
}

bool is_allowed(std::uint16_t code) {
  switch (code) {
    case BPF_LD | BPF_W | BPF_ABS:
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
    case BPF_ALU | BPF_ADD | BPF_K:
    case BPF_ALU | BPF_ADD | BPF_X:
    case BPF_ALU | BPF_SUB | BPF_K:
    case BPF_ALU | BPF_SUB | BPF_X:
    case BPF_ALU | BPF_MUL | BPF_K:
    case BPF_ALU | BPF_MUL | BPF_X:
    case BPF_ALU | BPF_DIV | BPF_K:
    case BPF_ALU | BPF_DIV | BPF_X:
    case BPF_ALU | BPF_AND | BPF_K:
    case BPF_ALU | BPF_AND | BPF_X:
    case BPF_ALU | BPF_OR | BPF_K:
    case BPF_ALU | BPF_OR | BPF_X:
    case BPF_ALU | BPF_XOR | BPF_K:
    case BPF_ALU | BPF_XOR | BPF_X:
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_LSH | BPF_X:
    case BPF_ALU | BPF_RSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_X:
    case BPF_ALU | BPF_NEG:
    case BPF_JMP | BPF_JA:
    case BPF_JMP | BPF_JEQ | BPF_K:
    case BPF_JMP | BPF_JEQ | BPF_X:
    case BPF_JMP | BPF_JGT | BPF_K:
    case BPF_JMP | BPF_JGT | BPF_X:
    case BPF_JMP | BPF_JGE | BPF_K:
    case BPF_JMP | BPF_JGE | BPF_X:
    case BPF_JMP | BPF_JSET | BPF_K:
    case BPF_JMP | BPF_JSET | BPF_X:
      return true;
    default:
      return false;
  }
}

/// All but the reads of scratch memory.
Status check_instruction(std::span<const sock_filter> program, std::size_t at) {
  const sock_filter& instruction = program[at];
  const std::size_t after = program.size() - at - 1;  // instructions behind this one
  if (!is_allowed(instruction.code)) return invalid(at, "not allowed in a seccomp filter");
  if (is_conditional_jump(instruction.code)) {
    if (instruction.jt >= after || instruction.jf >= after) return invalid(at, "jumps past the end");
    return {};
  }
  switch (instruction.code) {
    case BPF_LD | BPF_W | BPF_ABS:
      if (instruction.k >= sizeof(seccomp_data) || instruction.k % 4 != 0)
        return invalid(at, "loads from outside seccomp_data or unaligned");
      break;
    case BPF_JMP | BPF_JA:
      if (instruction.k >= after) return invalid(at, "jumps past the end");
      break;
    case BPF_ALU | BPF_DIV | BPF_K:
      if (instruction.k == 0) return invalid(at, "divides by zero");
      break;
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_K:
      if (instruction.k >= 32) return invalid(at, "shifts by more than 31");
      break;
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
      if (instruction.k >= BPF_MEMWORDS) return invalid(at, "scratch memory has 16 words");
      break;
    default:
      break;
  }
  return {};
}

/// On every way to a read of scratch memory the word must have been written (check_load_and_stores in the
/// kernel).
Status check_scratch(std::span<const sock_filter> program) {
  std::vector<std::uint16_t> written(program.size(), 0xffff);  // on all jumps that lead here
  std::uint16_t valid = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& instruction = program[at];
    valid &= written[at];
    const auto meet = [&](std::size_t target) { written[target] &= valid; };
    switch (instruction.code) {
      case BPF_ST:
      case BPF_STX:
        valid = static_cast<std::uint16_t>(valid | (1U << instruction.k));
        break;
      case BPF_LD | BPF_MEM:
      case BPF_LDX | BPF_MEM:
        if ((valid & (1U << instruction.k)) == 0)
          return invalid(at, "reads scratch memory that was not written");
        break;
      case BPF_JMP | BPF_JA:
        meet(at + 1 + instruction.k);
        valid = 0xffff;
        break;
      default:
        if (!is_conditional_jump(instruction.code)) break;
        meet(at + 1 + instruction.jt);
        meet(at + 1 + instruction.jf);
        valid = 0xffff;
    }
  }
  return {};
}

struct Machine {
  std::uint32_t a = 0, x = 0;
  std::array<std::uint32_t, BPF_MEMWORDS> memory{};
};

/// False: a division by zero, which ends the filter with 0.
bool compute(Machine& machine, const sock_filter& instruction) {
  const std::uint32_t operand = BPF_SRC(instruction.code) == BPF_X ? machine.x : instruction.k;
  switch (BPF_OP(instruction.code)) {
    case BPF_ADD:
      machine.a += operand;
      break;
    case BPF_SUB:
      machine.a -= operand;
      break;
    case BPF_MUL:
      machine.a *= operand;
      break;
    case BPF_DIV:
      if (operand == 0) return false;
      machine.a /= operand;
      break;
    case BPF_AND:
      machine.a &= operand;
      break;
    case BPF_OR:
      machine.a |= operand;
      break;
    case BPF_XOR:
      machine.a ^= operand;
      break;
    case BPF_LSH:
      machine.a <<= operand & 31;
      break;
    case BPF_RSH:
      machine.a >>= operand & 31;
      break;
    case BPF_NEG:
      machine.a = 0U - machine.a;
      break;
    default:
      break;
  }
  return true;
}

bool compare(const Machine& machine, const sock_filter& instruction) {
  const std::uint32_t operand = BPF_SRC(instruction.code) == BPF_X ? machine.x : instruction.k;
  switch (BPF_OP(instruction.code)) {
    case BPF_JEQ:
      return machine.a == operand;
    case BPF_JGT:
      return machine.a > operand;
    case BPF_JGE:
      return machine.a >= operand;
    default:
      return (machine.a & operand) != 0;  // BPF_JSET
  }
}

std::uint32_t load_word(const seccomp_data& data, std::uint32_t offset) {
  std::uint32_t word = 0;
  std::memcpy(&word, reinterpret_cast<const char*>(&data) + offset, sizeof word);
  return word;
}

void move_word(Machine& machine, const sock_filter& instruction, const seccomp_data& data) {
  switch (instruction.code) {
    case BPF_LD | BPF_W | BPF_ABS:
      machine.a = load_word(data, instruction.k);
      break;
    case BPF_LD | BPF_W | BPF_LEN:
      machine.a = sizeof(seccomp_data);
      break;
    case BPF_LDX | BPF_W | BPF_LEN:
      machine.x = sizeof(seccomp_data);
      break;
    case BPF_LD | BPF_IMM:
      machine.a = instruction.k;
      break;
    case BPF_LDX | BPF_IMM:
      machine.x = instruction.k;
      break;
    case BPF_LD | BPF_MEM:
      machine.a = machine.memory[instruction.k];
      break;
    case BPF_LDX | BPF_MEM:
      machine.x = machine.memory[instruction.k];
      break;
    case BPF_ST:
      machine.memory[instruction.k] = machine.a;
      break;
    case BPF_STX:
      machine.memory[instruction.k] = machine.x;
      break;
    case BPF_MISC | BPF_TAX:
      machine.x = machine.a;
      break;
    default:
      machine.a = machine.x;  // BPF_TXA
      break;
  }
}

}  // namespace

Result<Evaluator> Evaluator::make(std::span<const sock_filter> program) {
  if (program.empty()) return fail("an empty filter");
  if (program.size() > kMaxInstructions)
    return fail("a filter of " + std::to_string(program.size()) + " instructions; the kernel takes " +
                std::to_string(kMaxInstructions) + " at most");
  for (std::size_t at = 0; at < program.size(); ++at) HERD_CHECK(check_instruction(program, at));
  if (BPF_CLASS(program.back().code) != BPF_RET)
    return invalid(program.size() - 1, "the last one must return");
  HERD_CHECK(check_scratch(program));
  return Evaluator(program);
}

std::uint32_t Evaluator::run(const seccomp_data& data) const {
  Machine machine;
  // Jumps only go forward and the last instruction returns, so this ends.
  for (std::size_t at = 0;; ++at) {
    const sock_filter& instruction = program_[at];
    switch (BPF_CLASS(instruction.code)) {
      case BPF_RET:
        return BPF_RVAL(instruction.code) == BPF_A ? machine.a : instruction.k;
      case BPF_JMP:
        if (BPF_OP(instruction.code) == BPF_JA)
          at += instruction.k;
        else
          at += compare(machine, instruction) ? instruction.jt : instruction.jf;
        break;
      case BPF_ALU:
        if (!compute(machine, instruction)) return SECCOMP_RET_KILL_THREAD;
        break;
      default:
        move_word(machine, instruction, data);
    }
  }
}

Result<std::uint32_t> evaluate(std::span<const sock_filter> program, const seccomp_data& data) {
  HERD_TRY(const Evaluator evaluator, Evaluator::make(program));
  return evaluator.run(data);
}

}  // namespace herd::seccomp
