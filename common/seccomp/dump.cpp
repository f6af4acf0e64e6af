#include "common/seccomp/dump.hpp"

#include <algorithm>
#include <tuple>

#include "common/seccomp/meaning.hpp"
#include "common/seccomp/syscalls.hpp"

namespace herd::seccomp {
namespace {

/// A profile of this one default, so that words like "deny" get the policy's return value.
std::string result_of(Action action, int number, Policy policy, Arch arch) {
  const Profile whole{"", {}, action};
  return describe_return(expected_action(whole, policy, arch, {number, audit_arch(arch), 0, {}}));
}

}  // namespace

std::string CallAnswers::text() const {
  std::string text;
  for (const ConditionalAnswer& rule : rules) text += rule.result + " if " + rule.conditions + "; ";
  return text + (rules.empty() ? "" : "else ") + otherwise;
}

std::vector<CallAnswers> answers(const Profile& profile, Policy policy, Arch arch) {
  const Meaning meaning(profile, policy, arch);
  std::vector<CallAnswers> all;
  for (const auto& [number, name] : known_syscalls(arch)) {
    auto rules = meaning.rules_of(number);
    std::ranges::stable_sort(rules, [](const Rule* one, const Rule* other) {
      return std::tie(one->layer, one->action) > std::tie(other->layer, other->action);
    });
    CallAnswers call{number, name, {}, result_of(profile.default_action, number, policy, arch)};
    for (const Rule* rule : rules) {
      const std::string result = result_of(rule->action, number, policy, arch);
      if (rule->conditions.empty()) {
        call.otherwise = result;
        break;
      }
      call.rules.push_back({result, describe(rule->conditions)});
    }
    all.push_back(std::move(call));
  }
  return all;
}

std::string dump(const Profile& profile, Policy policy, Arch arch) {
  std::string text;
  for (const CallAnswers& call : answers(profile, policy, arch)) text += call.name + " " + call.text() + "\n";
  return text;
}

}  // namespace herd::seccomp
