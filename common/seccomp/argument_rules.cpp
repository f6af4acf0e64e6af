#include "common/seccomp/argument_rules.hpp"

#include <linux/seccomp.h>

#include <bit>
#include <cstddef>

namespace herd::seccomp {
namespace {

static_assert(std::endian::native == std::endian::little, "where the halves of an argument lie");

/// Where a step goes: to the following step, past this condition (it holds), past this rule (it does not).
enum class To { next, holds, fails };

struct Step {
  std::uint16_t code = 0;
  std::uint32_t k = 0;
  To yes = To::next, no = To::next;
};

std::uint32_t low(std::uint64_t value) {
  return static_cast<std::uint32_t>(value);
}
std::uint32_t high(std::uint64_t value) {
  return static_cast<std::uint32_t>(value >> 32);
}

Step load(unsigned index, bool upper_half) {
  const std::size_t offset =
      offsetof(seccomp_data, args) + index * sizeof(std::uint64_t) + (upper_half ? 4 : 0);
  return {BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)};
}

Step jump(std::uint16_t op, std::uint32_t k, To yes, To no) {
  return {static_cast<std::uint16_t>(BPF_JMP | op | BPF_K), k, yes, no};
}

std::vector<Step> masked_equal(unsigned index, std::uint64_t value, std::uint64_t mask) {
  std::vector<Step> steps;
  for (const bool upper : {true, false}) {
    const std::uint32_t half_mask = upper ? high(mask) : low(mask);
    if (half_mask == 0) continue;
    steps.push_back(load(index, upper));
    if (half_mask != ~std::uint32_t{0}) steps.push_back({BPF_ALU | BPF_AND | BPF_K, half_mask});
    steps.push_back(jump(BPF_JEQ, upper ? high(value) : low(value), To::next, To::fails));
  }
  return steps;
}

std::vector<Step> not_equal(unsigned index, std::uint64_t value) {
  return {load(index, true), jump(BPF_JEQ, high(value), To::next, To::holds),  //
          load(index, false), jump(BPF_JEQ, low(value), To::fails, To::holds)};
}

std::vector<Step> any_bits(unsigned index, std::uint64_t mask) {
  return {load(index, true), jump(BPF_JSET, high(mask), To::holds, To::next),  //
          load(index, false), jump(BPF_JSET, low(mask), To::holds, To::fails)};
}

/// `op` decides on the low halves where the high ones are equal: BPF_JGT or BPF_JGE.
std::vector<Step> ordered(unsigned index, std::uint64_t value, std::uint16_t op, To above, To below) {
  return {load(index, true), jump(BPF_JGT, high(value), above, To::next),
          jump(BPF_JEQ, high(value), To::next, below),  //
          load(index, false), jump(op, low(value), above, below)};
}

std::vector<Step> steps_of(const ArgCondition& condition) {
  const auto [index, op, value, mask] = condition;
  switch (op) {
    case Compare::equal:
      return masked_equal(index, value, ~std::uint64_t{0});
    case Compare::masked_equal:
      return masked_equal(index, value, mask);
    case Compare::any_bits:
      return any_bits(index, mask);
    case Compare::not_equal:
      return not_equal(index, value);
    case Compare::greater:
      return ordered(index, value, BPF_JGT, To::holds, To::fails);
    case Compare::greater_equal:
      return ordered(index, value, BPF_JGE, To::holds, To::fails);
    case Compare::less:
      return ordered(index, value, BPF_JGE, To::fails, To::holds);
    case Compare::less_equal:
      return ordered(index, value, BPF_JGT, To::fails, To::holds);
  }
  return {};
}

sock_filter return_value(std::uint32_t value) {
  return {BPF_RET | BPF_K, 0, 0, value};
}

void emit_rule(const ConditionalResult& rule, std::vector<sock_filter>& code) {
  std::vector<std::vector<Step>> conditions;
  std::size_t length = 1;  // the return
  for (const auto& condition : rule.conditions) {
    conditions.push_back(steps_of(condition));
    length += conditions.back().size();
  }
  // kMaxConditions of five steps each: every distance fits into the 8 bits of jt and jf.
  static_assert(kMaxConditions * 5 + 1 < 256);
  std::size_t at = 0;
  for (const auto& steps : conditions) {
    const std::size_t end = at + steps.size();
    for (const auto& step : steps) {
      ++at;
      const auto distance = [&](To to) {
        const std::size_t target = to == To::next ? at : to == To::holds ? end : length;
        return static_cast<std::uint8_t>(target - at);
      };
      code.push_back({step.code, distance(step.yes), distance(step.no), step.k});
    }
  }
  code.push_back(return_value(rule.result));
}

}  // namespace

std::vector<sock_filter> emit_argument_rules(std::span<const ConditionalResult> rules,
                                             std::uint32_t otherwise) {
  std::vector<sock_filter> code;
  for (const auto& rule : rules) emit_rule(rule, code);
  code.push_back(return_value(otherwise));
  return code;
}

}  // namespace herd::seccomp
