#include "cli/record/earlier.hpp"

#include <nlohmann/json.hpp>

#include "config/profile_file.hpp"

namespace herd::record {
namespace {

using seccomp::Action;
using seccomp::Compare;

Result<std::vector<Condition>> conditions_of(const seccomp::Rule& rule) {
  std::vector<Condition> conditions;
  for (const auto& [index, op, value, mask] : rule.conditions) {
    if (op != Compare::equal && op != Compare::masked_equal)
      return fail("a rule for " + rule.names.front() + " compares otherwise than for equality");
    conditions.push_back({index, op == Compare::equal ? ~std::uint64_t{0} : mask, value});
  }
  return conditions;
}

bool is_allowing(const Action& action) {
  return action.kind == Action::Kind::allow || action.kind == Action::Kind::log;
}

/// The comments are no part of what a profile says.
Provenance provenance_in(const std::string& text) {
  const auto document = nlohmann::json::parse(text, nullptr, false, true);
  const auto rules = document.is_object() ? document.find("syscalls") : document.end();
  if (!document.is_object() || rules == document.end() || !rules->is_array() || rules->empty()) return {};
  const nlohmann::json& first = rules->front();
  const auto comment = first.find("comment");
  return comment != first.end() && comment->is_string() ? Provenance::parse(comment->get<std::string>())
                                                        : Provenance{};
}

}  // namespace

Status add_profile(const std::string& text, const std::string& file, Recording& recording,
                   Provenance& provenance) {
  config::Issues issues(file);
  const auto profile = config::read_profile(text, file, {}, issues);
  if (!profile) return fail(config::to_text(std::move(issues).take()));
  if (is_allowing(profile->default_action)) return fail(file + ": allows what it does not name");
  for (const seccomp::Rule& rule : profile->rules) {
    if (rule.action.kind == Action::Kind::no_such_syscall) continue;  // the reader adds such rules itself
    if (!is_allowing(rule.action)) return fail(file + ": a rule denies " + rule.names.front());
    auto conditions = conditions_of(rule);
    if (!conditions) return fail_in(file, std::move(conditions).error());
    for (const std::string& name : rule.names) recording.allow(name, *conditions);
  }
  Provenance earlier = provenance_in(text);
  if (earlier.runs == 0) earlier.history = "merged with " + file;
  provenance.add(earlier);
  return {};
}

}  // namespace herd::record
