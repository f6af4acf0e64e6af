#include "common/seccomp/meaning.hpp"

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "common/seccomp/syscalls.hpp"

namespace herd::seccomp {
namespace {

std::uint32_t meant_by(const Action& action, Policy policy) {
  using Kind = Action::Kind;
  if (action.kind == Kind::allow) return SECCOMP_RET_ALLOW;
  if (action.kind == Kind::log) return SECCOMP_RET_LOG;
  if (action.kind == Kind::no_such_syscall) return SECCOMP_RET_ERRNO | ENOSYS;
  if (policy == Policy::log) return SECCOMP_RET_LOG;
  if (policy == Policy::kill || action.kind == Kind::kill) return SECCOMP_RET_KILL_PROCESS;
  if (action.kind == Kind::trap) return SECCOMP_RET_TRAP;
  return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(action.error);
}

std::uint32_t unknown_number(Policy policy) {
  return policy == Policy::log ? SECCOMP_RET_LOG : SECCOMP_RET_ERRNO | ENOSYS;
}

/// Of a filter that asks: it says by itself only what nobody can say for it.
bool is_asked_for(std::uint32_t answer) {
  return answer != SECCOMP_RET_ALLOW && answer != SECCOMP_RET_TRAP;
}

bool is_foreign(Arch arch, const seccomp_data& data) {
  if (data.arch != audit_arch(arch)) return true;
  // -1 is no x32 call: it is what a tracer sets to skip a call.
  return arch == Arch::x86_64 && data.nr != -1 && static_cast<std::uint32_t>(data.nr) >= kX32Bit;
}

}  // namespace

bool holds(const ArgCondition& condition, std::uint64_t argument) {
  switch (condition.op) {
    case Compare::equal:
      return argument == condition.value;
    case Compare::not_equal:
      return argument != condition.value;
    case Compare::less:
      return argument < condition.value;
    case Compare::less_equal:
      return argument <= condition.value;
    case Compare::greater:
      return argument > condition.value;
    case Compare::greater_equal:
      return argument >= condition.value;
    case Compare::masked_equal:
      return (argument & condition.mask) == condition.value;
    case Compare::any_bits:
      return (argument & condition.mask) != 0;
  }
  return false;
}

Meaning::Meaning(const Profile& profile, Policy policy, Arch arch, Denials denials)
    : policy_(policy), arch_(arch), denials_(denials), default_action_(profile.default_action) {
  std::unordered_map<std::string, int> numbers;
  for (const auto& [number, name] : known_syscalls(arch)) {
    rules_[number];
    numbers[name] = number;
  }
  for (const auto& rule : profile.rules)
    for (const auto& name : rule.names)
      if (const auto it = numbers.find(name); it != numbers.end()) rules_[it->second].push_back(&rule);
}

const std::vector<const Rule*>& Meaning::rules_of(int number) const {
  static const std::vector<const Rule*> kNone;
  const auto it = rules_.find(number);
  return it == rules_.end() ? kNone : it->second;
}

std::uint32_t Meaning::expected_action(const seccomp_data& data) const {
  if (is_foreign(arch_, data)) return SECCOMP_RET_KILL_PROCESS;
  const Rule* rule = deciding_rule(data);
  const std::uint32_t answer = is_known(data.nr)
                                   ? meant_by(rule == nullptr ? default_action_ : rule->action, policy_)
                                   : unknown_number(policy_);
  return denials_ == Denials::notify && is_asked_for(answer) ? SECCOMP_RET_USER_NOTIF : answer;
}

const Rule* Meaning::deciding_rule(const seccomp_data& data) const {
  const Rule* found = nullptr;
  for (const Rule* rule : rules_of(data.nr)) {
    const bool matches = std::ranges::all_of(rule->conditions, [&](const auto& condition) {
      return holds(condition, data.args[condition.index]);
    });
    if (matches &&
        (found == nullptr || std::tie(rule->layer, rule->action) > std::tie(found->layer, found->action)))
      found = rule;
  }
  return found;
}

std::uint32_t expected_action(const Profile& profile, Policy policy, Arch arch, const seccomp_data& data) {
  return Meaning(profile, policy, arch).expected_action(data);
}

std::string describe_return(std::uint32_t value) {
  const std::uint32_t data = value & SECCOMP_RET_DATA;
  switch (value & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
      return "ALLOW";
    case SECCOMP_RET_LOG:
      return "LOG";
    case SECCOMP_RET_KILL_PROCESS:
      return "KILL_PROCESS";
    case SECCOMP_RET_TRAP:
      return "TRAP";
    case SECCOMP_RET_USER_NOTIF:
      return "NOTIFY";
    case SECCOMP_RET_KILL_THREAD:
      return "KILL_THREAD";
    case SECCOMP_RET_ERRNO:
      return "ERRNO(" + error_name(static_cast<int>(data)) + ")";
    default:
      return "return value " + std::to_string(value);
  }
}

}  // namespace herd::seccomp
