#include "common/seccomp/meaning.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/seccomp/syscalls.hpp"

namespace herd::seccomp {
namespace {

std::uint32_t denial(Policy policy) {
  switch (policy) {
    case Policy::log:
      return SECCOMP_RET_LOG;
    case Policy::errno_:
      return SECCOMP_RET_ERRNO | EPERM;
    case Policy::kill:
      return SECCOMP_RET_KILL_PROCESS;
  }
  return SECCOMP_RET_KILL_PROCESS;
}

std::uint32_t unknown_number(Policy policy) {
  return policy == Policy::log ? SECCOMP_RET_LOG : SECCOMP_RET_ERRNO | ENOSYS;
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
  }
  return false;
}

Meaning::Meaning(const Profile& profile, Policy policy, Arch arch)
    : policy_(policy), arch_(arch), default_action_(profile.default_action) {
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
  if (!is_known(data.nr)) return unknown_number(policy_);

  bool any = false;
  Action strictest = Action::allow;
  for (const Rule* rule : rules_of(data.nr)) {
    if (!std::ranges::all_of(rule->conditions, [&](const auto& condition) {
          return holds(condition, data.args[condition.index]);
        }))
      continue;
    any = true;
    strictest = std::max(strictest, rule->action);
  }
  switch (any ? strictest : default_action_) {
    case Action::allow:
      return SECCOMP_RET_ALLOW;
    case Action::no_such_syscall:
      return SECCOMP_RET_ERRNO | ENOSYS;
    case Action::deny:
      return denial(policy_);
  }
  return SECCOMP_RET_KILL_PROCESS;
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
    case SECCOMP_RET_KILL_THREAD:
      return "KILL_THREAD";
    case SECCOMP_RET_ERRNO: {
      const char* name = strerrorname_np(static_cast<int>(data));
      return "ERRNO(" + (name != nullptr ? std::string(name) : std::to_string(data)) + ")";
    }
    default:
      return "return value " + std::to_string(value);
  }
}

}  // namespace herd::seccomp
