#include "config/oci_writer.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "common/seccomp/build.hpp"
#include "common/seccomp/check.hpp"
#include "common/seccomp/meaning.hpp"
#include "common/seccomp/syscalls.hpp"
#include "config/profile_file.hpp"

namespace herd::config {
namespace {

using OrderedJson = nlohmann::ordered_json;
using seccomp::Action;
using seccomp::ArgCondition;
using seccomp::Compare;

void write_action(const Action& action, const char* error_name, OrderedJson& object) {
  static const std::map<Action::Kind, const char*> kWords{{Action::Kind::allow, "SCMP_ACT_ALLOW"},
                                                          {Action::Kind::log, "SCMP_ACT_LOG"},
                                                          {Action::Kind::no_such_syscall, "SCMP_ACT_ERRNO"},
                                                          {Action::Kind::deny, "SCMP_ACT_ERRNO"},
                                                          {Action::Kind::trap, "SCMP_ACT_TRAP"},
                                                          {Action::Kind::kill, "SCMP_ACT_KILL_PROCESS"}};
  object[object.contains("names") ? "action" : "defaultAction"] = kWords.at(action.kind);
  if (action.kind == Action::Kind::no_such_syscall) object[error_name] = ENOSYS;
  if (action.kind == Action::Kind::deny) object[error_name] = action.error;
}

/// OCI has no "any bits": one rule for each bit says the same.
std::vector<std::vector<ArgCondition>> without_any_bits(const std::vector<ArgCondition>& conditions) {
  std::vector<std::vector<ArgCondition>> alternatives{{}};
  for (const ArgCondition& condition : conditions) {
    std::vector<std::vector<ArgCondition>> next;
    for (const auto& alternative : alternatives) {
      for (unsigned bit = 0; bit < 64; ++bit) {
        const std::uint64_t mask = std::uint64_t{1} << bit;
        if (condition.op == Compare::any_bits && (condition.mask & mask) == 0) continue;
        next.push_back(alternative);
        next.back().push_back(condition.op == Compare::any_bits
                                  ? ArgCondition{condition.index, Compare::masked_equal, mask, mask}
                                  : condition);
        if (condition.op != Compare::any_bits) break;
      }
    }
    alternatives = std::move(next);
  }
  return alternatives;
}

OrderedJson to_json(const ArgCondition& condition) {
  static const std::map<Compare, const char*> kWords{{Compare::equal, "SCMP_CMP_EQ"},
                                                     {Compare::not_equal, "SCMP_CMP_NE"},
                                                     {Compare::less, "SCMP_CMP_LT"},
                                                     {Compare::less_equal, "SCMP_CMP_LE"},
                                                     {Compare::greater, "SCMP_CMP_GT"},
                                                     {Compare::greater_equal, "SCMP_CMP_GE"},
                                                     {Compare::masked_equal, "SCMP_CMP_MASKED_EQ"}};
  const bool is_masked = condition.op == Compare::masked_equal;
  OrderedJson json{{"index", condition.index}, {"value", is_masked ? condition.mask : condition.value}};
  if (is_masked) json["valueTwo"] = condition.value;
  json["op"] = kWords.at(condition.op);
  return json;
}

/// Of one call, what is left when layers are gone: rules below one that always holds never decide.
std::vector<const seccomp::Rule*> deciding(std::vector<const seccomp::Rule*> rules, const Action& otherwise) {
  std::ranges::stable_sort(rules, [](const auto* one, const auto* other) {
    return std::tie(one->layer, one->action) > std::tie(other->layer, other->action);
  });
  const auto always =
      std::ranges::find_if(rules, [](const seccomp::Rule* rule) { return rule->conditions.empty(); });
  if (always != rules.end()) {
    rules.erase(always + 1, rules.end());
    if ((*always)->action == otherwise) rules.erase(always);
  }
  return rules;
}

/// The same rules with the same answer share an entry.
void add_entry(const std::string& name, const seccomp::Rule& rule, OrderedJson& syscalls) {
  for (const auto& conditions : without_any_bits(rule.conditions)) {
    OrderedJson entry{{"names", OrderedJson::array()}};
    write_action(rule.action, "errnoRet", entry);
    for (const ArgCondition& condition : conditions) entry["args"].push_back(to_json(condition));
    const auto same = std::ranges::find_if(syscalls, [&](OrderedJson other) {
      other["names"] = OrderedJson::array();
      return other == entry;
    });
    OrderedJson& into = same == syscalls.end() ? syscalls.emplace_back(std::move(entry)) : *same;
    into["names"].push_back(name);
  }
}

}  // namespace

Result<std::string> to_oci(const seccomp::Profile& profile, seccomp::Arch arch) {
  OrderedJson document;
  write_action(profile.default_action, "defaultErrnoRet", document);
  document["architectures"] = {arch == seccomp::Arch::x86_64 ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64"};
  document["syscalls"] = OrderedJson::array();
  const seccomp::Meaning meaning(profile, seccomp::Policy::errno_, arch);
  const auto& calls = seccomp::known_syscalls(arch);
  for (const auto& [number, name] : calls) {
    const auto rules = deciding(meaning.rules_of(number), profile.default_action);
    for (const seccomp::Rule* rule : rules) add_entry(name, *rule, document["syscalls"]);
    // Where a profile is silent of these, its reader takes them for unknown to it.
    const bool is_taken_for_unknown = number == calls.back().number || name == "clone3";
    if (rules.empty() && is_taken_for_unknown)
      add_entry(name, {{name}, profile.default_action, {}}, document["syscalls"]);
  }
  std::string text = document.dump(2) + "\n";

  Issues issues("export");
  ProfileContext context;
  context.arch = arch;
  const auto again = read_profile(text, profile.name, context, issues);
  if (!again) return fail(to_text(std::move(issues).take()));
  for (const auto policy : {seccomp::Policy::log, seccomp::Policy::errno_, seccomp::Policy::kill}) {
    HERD_TRY(const auto program, seccomp::build(profile, policy, arch));
    if (const auto same = seccomp::check(program, *again, policy); !same)
      return fail("OCI JSON can't say what this profile means, export it as bpf: " + same.error().message);
  }
  return text;
}

}  // namespace herd::config
