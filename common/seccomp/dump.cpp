#include "common/seccomp/dump.hpp"

#include <algorithm>
#include <tuple>

#include "common/seccomp/meaning.hpp"
#include "common/seccomp/syscalls.hpp"

namespace herd::seccomp {
namespace {

std::string join(const std::vector<ArgCondition>& conditions) {
  std::string text;
  for (const auto& condition : conditions) text += (text.empty() ? "" : " and ") + describe(condition);
  return text;
}

/// A profile of this one rule or default, so that words like "deny" get the policy's return value.
std::string result_of(Action action, int number, Policy policy, Arch arch) {
  const Profile whole{"", {}, action};
  return describe_return(expected_action(whole, policy, arch, {number, audit_arch(arch), 0, {}}));
}

}  // namespace

std::string dump(const Profile& profile, Policy policy, Arch arch) {
  const Meaning meaning(profile, policy, arch);
  std::string text;
  for (const auto& [number, name] : known_syscalls(arch)) {
    auto rules = meaning.rules_of(number);
    std::ranges::stable_sort(rules, [](const Rule* one, const Rule* other) {
      return std::tie(one->layer, one->action) > std::tie(other->layer, other->action);
    });
    Action otherwise = profile.default_action;
    text += name;
    for (const Rule* rule : rules) {
      if (rule->conditions.empty()) {
        otherwise = rule->action;
        break;
      }
      text += " " + result_of(rule->action, number, policy, arch) + " if " + join(rule->conditions) + ";";
    }
    text += (text.ends_with(';') ? " else " : " ") + result_of(otherwise, number, policy, arch) + "\n";
  }
  return text;
}

}  // namespace herd::seccomp
