#include "common/seccomp/compiler.hpp"

#include <linux/seccomp.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "common/seccomp/argument_rules.hpp"
#include "common/seccomp/call_tree.hpp"
#include "common/seccomp/evaluator.hpp"
#include "common/seccomp/syscalls.hpp"

namespace herd::seccomp {
namespace {

std::uint32_t answer_of(const Action& action, Policy policy) {
  switch (action.kind) {
    case Action::Kind::allow:
      return SECCOMP_RET_ALLOW;
    case Action::Kind::log:
      return SECCOMP_RET_LOG;
    case Action::Kind::no_such_syscall:
      return SECCOMP_RET_ERRNO | ENOSYS;
    default:
      break;
  }
  switch (policy) {
    case Policy::log:
      return SECCOMP_RET_LOG;
    case Policy::kill:
      return SECCOMP_RET_KILL_PROCESS;
    case Policy::errno_:
      break;
  }
  if (action.kind == Action::Kind::kill) return SECCOMP_RET_KILL_PROCESS;
  if (action.kind == Action::Kind::trap) return SECCOMP_RET_TRAP;
  return SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(action.error) & SECCOMP_RET_DATA);
}

std::uint32_t asked_for(std::uint32_t answer, Denials denials) {
  const std::uint32_t action = answer & SECCOMP_RET_ACTION_FULL;
  const bool stays = denials == Denials::audit || action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_TRAP;
  return stays ? answer : SECCOMP_RET_USER_NOTIF;
}

std::uint32_t result_of(const Action& action, Policy policy, Denials denials) {
  return asked_for(answer_of(action, policy), denials);
}

/// One call's rules, reduced to what can still make a difference.
struct Verdict {
  std::vector<ConditionalResult> rules;  // strictest first: the first that holds decides
  Action otherwise = Action::deny;
};

Verdict reduce(std::vector<const Rule*> rules, Action default_action, Policy policy, Denials denials) {
  std::ranges::stable_sort(rules, std::greater{},
                           [](const Rule* rule) { return std::pair(rule->layer, rule->action); });
  Verdict verdict{{}, default_action};
  for (const Rule* rule : rules) {
    if (rule->conditions.empty()) {  // holds always, and what follows is weaker
      verdict.otherwise = rule->action;
      break;
    }
    verdict.rules.push_back({result_of(rule->action, policy, denials), rule->conditions});
  }
  const std::uint32_t otherwise = result_of(verdict.otherwise, policy, denials);
  while (!verdict.rules.empty() && verdict.rules.back().result == otherwise) verdict.rules.pop_back();
  return verdict;
}

/// Grows at its end. After the architecture test the accumulator holds the call's number until a block
/// returns.
using Code = std::vector<sock_filter>;

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

/// Neighbours with the same code become one run.
void add_run(std::vector<NumberRun>& runs, int first, Code code) {
  const auto is_same = [](const sock_filter& one, const sock_filter& other) {
    return std::tie(one.code, one.jt, one.jf, one.k) == std::tie(other.code, other.jt, other.jf, other.k);
  };
  if (!runs.empty() && std::ranges::equal(runs.back().code, code, is_same)) return;
  runs.push_back({static_cast<std::uint32_t>(first), std::move(code)});
}

void count(const Verdict& verdict, Summary& summary) {
  using Kind = Action::Kind;
  const Kind kind = verdict.otherwise.kind;
  if (!verdict.rules.empty())
    ++summary.by_arguments;
  else if (kind == Kind::allow || kind == Kind::log)
    ++summary.allowed;
  else if (kind == Kind::no_such_syscall)
    ++summary.no_such_syscall;
  else
    ++summary.denied;
}

std::vector<std::string> names_without_number(const Profile& profile, Arch arch) {
  std::set<std::string> names;
  for (const auto& rule : profile.rules) names.insert(rule.names.begin(), rule.names.end());
  for (const auto& call : known_syscalls(arch)) names.erase(call.name);
  return {names.begin(), names.end()};
}

std::map<std::string, std::vector<const Rule*>> rules_by_name(const Profile& profile) {
  std::map<std::string, std::vector<const Rule*>> rules;
  for (const auto& rule : profile.rules)
    for (const auto& name : rule.names) rules[name].push_back(&rule);
  return rules;
}

Result<Program> compile_valid(const Profile& profile, Policy policy, Arch arch, Denials denials) {
  Program program{{}, profile.name, policy, denials, arch, {}};
  program.summary.names_without_number = names_without_number(profile, arch);
  const auto rules = rules_by_name(profile);
  const std::uint32_t unknown_answer = policy == Policy::log ? SECCOMP_RET_LOG : SECCOMP_RET_ERRNO | ENOSYS;
  const Code unknown = emit_argument_rules({}, asked_for(unknown_answer, denials));
  std::vector<NumberRun> runs;
  int next = 0;
  for (const auto& [number, name] : known_syscalls(arch)) {
    if (number > next) add_run(runs, next, unknown);
    next = number + 1;
    const auto it = rules.find(name);
    const auto verdict = reduce(it == rules.end() ? std::vector<const Rule*>{} : it->second,
                                profile.default_action, policy, denials);
    count(verdict, program.summary);
    add_run(runs, number, emit_argument_rules(verdict.rules, result_of(verdict.otherwise, policy, denials)));
  }
  add_run(runs, next, unknown);

  Code& code = program.instructions;
  emit_architecture_test(code, arch);
  const Code tree = emit_call_tree(runs);
  code.insert(code.end(), tree.begin(), tree.end());
  if (code.size() > kMaxInstructions)
    return fail("needs " + std::to_string(code.size()) + " BPF instructions; the kernel takes " +
                std::to_string(kMaxInstructions) + " at most");
  return program;
}

}  // namespace

Result<Program> compile(const Profile& profile, Policy policy, Arch arch, Denials denials) {
  const auto in_profile = [&](Error error) {
    return fail_in("seccomp profile '" + profile.name + "'", std::move(error));
  };
  if (auto status = validate(profile); !status) return in_profile(std::move(status).error());
  auto program = compile_valid(profile, policy, arch, denials);
  if (!program) return in_profile(std::move(program).error());
  return program;
}

}  // namespace herd::seccomp
