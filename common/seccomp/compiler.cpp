#include "common/seccomp/compiler.hpp"

#include <linux/seccomp.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "common/seccomp/argument_rules.hpp"
#include "common/seccomp/call_tree.hpp"
#include "common/seccomp/evaluator.hpp"
#include "common/seccomp/syscalls.hpp"

namespace herd::seccomp {
namespace {

constexpr std::uint32_t kNoSuchSyscall = SECCOMP_RET_ERRNO | ENOSYS;

std::uint32_t denied(Policy policy) {
  if (policy == Policy::log) return SECCOMP_RET_LOG;
  return policy == Policy::errno_ ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_KILL_PROCESS;
}

std::uint32_t result_of(Action action, Policy policy) {
  if (action == Action::allow) return SECCOMP_RET_ALLOW;
  return action == Action::no_such_syscall ? kNoSuchSyscall : denied(policy);
}

/// One call's rules, reduced to what can still make a difference.
struct Verdict {
  std::vector<ConditionalResult> rules;  // strictest first: the first that holds decides
  Action otherwise = Action::deny;
};

Verdict reduce(std::vector<const Rule*> rules, Action default_action, Policy policy) {
  std::ranges::stable_sort(rules, std::greater{}, &Rule::action);
  Verdict verdict{{}, default_action};
  for (const Rule* rule : rules) {
    if (rule->conditions.empty()) {  // holds always, and what follows is weaker
      verdict.otherwise = rule->action;
      break;
    }
    verdict.rules.push_back({result_of(rule->action, policy), rule->conditions});
  }
  const std::uint32_t otherwise = result_of(verdict.otherwise, policy);
  while (!verdict.rules.empty() && verdict.rules.back().result == otherwise) verdict.rules.pop_back();
  return verdict;
}

/// Grows at its end. After the architecture test the accumulator holds the call's number until a block
/// returns.
using Code = std::vector<sock_filter>;
constexpr std::size_t kLongestJump = 255;  // of a conditional one: it has 8 bits

void load(Code& code, std::size_t offset) {
  code.push_back({BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)});
}
void jump(Code& code, std::uint16_t op, std::uint32_t k, std::size_t yes, std::size_t no) {
  code.push_back({static_cast<std::uint16_t>(BPF_JMP | op | BPF_K), static_cast<std::uint8_t>(yes),
                  static_cast<std::uint8_t>(no), k});
}
void return_value(Code& code, std::uint32_t value) {
  code.push_back({BPF_RET | BPF_K, 0, 0, value});
}

void emit_architecture_test(Code& code, Arch arch) {
  load(code, offsetof(seccomp_data, arch));
  jump(code, BPF_JEQ, audit_arch(arch), 1, 0);
  return_value(code, SECCOMP_RET_KILL_PROCESS);
  load(code, offsetof(seccomp_data, nr));
  if (arch != Arch::x86_64) return;
  jump(code, BPF_JGE, kX32Bit, 0, 2);
  jump(code, BPF_JEQ, 0xffff'ffffU, 1, 0);  // -1: a tracer skips the call
  return_value(code, SECCOMP_RET_KILL_PROCESS);
}

/// Numbers that have a name come in a few runs: [first, last].
std::vector<std::pair<int, int>> known_runs(Arch arch) {
  std::vector<std::pair<int, int>> runs;
  for (const auto& call : known_syscalls(arch)) {
    if (!runs.empty() && runs.back().second + 1 == call.number)
      runs.back().second = call.number;
    else
      runs.emplace_back(call.number, call.number);
  }
  return runs;
}

Status emit_unknown_numbers(Code& code, Arch arch, Policy policy) {
  const auto runs = known_runs(arch);
  if (runs.empty()) return fail("libseccomp knows no syscalls of " + std::string(name(arch)));
  std::size_t left = 2 * runs.size();  // instructions up to the return
  if (left >= kLongestJump)
    return fail("too many gaps between the syscall numbers of " + std::string(name(arch)));
  for (const auto& [first, last] : runs) {
    // Each run is above the ones before it, which did not hold the number.
    --left;
    jump(code, BPF_JGE, static_cast<std::uint32_t>(first), 0, left);
    --left;
    jump(code, BPF_JGT, static_cast<std::uint32_t>(last), 0, left + 1);
  }
  return_value(code, policy == Policy::log ? SECCOMP_RET_LOG : kNoSuchSyscall);
  return {};
}

void emit_call(Code& code, int number, const Verdict& verdict, Policy policy) {
  const auto block = emit_argument_rules(verdict.rules, result_of(verdict.otherwise, policy));
  const auto wanted = static_cast<std::uint32_t>(number);
  if (block.size() <= kLongestJump) {
    jump(code, BPF_JEQ, wanted, 0, block.size());
  } else {
    jump(code, BPF_JEQ, wanted, 1, 0);
    code.push_back({BPF_JMP | BPF_JA, 0, 0, static_cast<std::uint32_t>(block.size())});
  }
  code.insert(code.end(), block.begin(), block.end());
}

void count(const Verdict& verdict, Summary& summary) {
  if (!verdict.rules.empty())
    ++summary.by_arguments;
  else if (verdict.otherwise == Action::allow)
    ++summary.allowed;
  else if (verdict.otherwise == Action::deny)
    ++summary.denied;
  else
    ++summary.no_such_syscall;
}

std::vector<std::string> unknown_names(const Profile& profile) {
  std::set<std::string> names;
  for (const auto& rule : profile.rules)
    for (const auto& name : rule.names)
      if (!is_syscall_name(name)) names.insert(name);
  return {names.begin(), names.end()};
}

std::map<std::string, std::vector<const Rule*>> rules_by_name(const Profile& profile) {
  std::map<std::string, std::vector<const Rule*>> rules;
  for (const auto& rule : profile.rules)
    for (const auto& name : rule.names) rules[name].push_back(&rule);
  return rules;
}

Result<Program> compile_valid(const Profile& profile, Policy policy, Arch arch) {
  Program program{{}, profile.name, policy, arch, {}};
  program.summary.unknown_names = unknown_names(profile);
  Code& code = program.instructions;
  emit_architecture_test(code, arch);
  HERD_CHECK(emit_unknown_numbers(code, arch, policy));

  const auto rules = rules_by_name(profile);
  std::vector<CallResult> by_number;
  for (const auto& [number, name] : known_syscalls(arch)) {
    const auto it = rules.find(name);
    const auto verdict =
        reduce(it == rules.end() ? std::vector<const Rule*>{} : it->second, profile.default_action, policy);
    count(verdict, program.summary);
    if (verdict.rules.empty())
      by_number.push_back({name, result_of(verdict.otherwise, policy)});
    else
      emit_call(code, number, verdict, policy);
  }
  HERD_TRY(const Code tree, compile_call_tree(arch, result_of(profile.default_action, policy), by_number));
  code.insert(code.end(), tree.begin(), tree.end());
  if (code.size() > kMaxInstructions)
    return fail("needs " + std::to_string(code.size()) + " BPF instructions; the kernel takes " +
                std::to_string(kMaxInstructions) + " at most");
  return program;
}

}  // namespace

Result<Program> compile(const Profile& profile, Policy policy, Arch arch) {
  const auto in_profile = [&](Error error) {
    return fail_in("seccomp profile '" + profile.name + "'", std::move(error));
  };
  if (auto status = validate(profile); !status) return in_profile(std::move(status).error());
  auto program = compile_valid(profile, policy, arch);
  if (!program) return in_profile(std::move(program).error());
  return program;
}

}  // namespace herd::seccomp
