#include "config/syscall_groups.hpp"

#include <cassert>
#include <set>

#include "config/document.hpp"
#include "config/profile_data.hpp"

namespace herd::config {
namespace {

using Names = std::map<std::string, std::set<std::string>>;

const std::set<std::string>& resolve(const Node& document, const std::string& group, Names& done) {
  const auto [entry, is_new] = done.emplace(group, std::set<std::string>());
  if (!is_new) return entry->second;
  for (const Node& item : document.find(group)->items) {
    if (!item.text.starts_with('@')) {
      entry->second.insert(item.text);
      continue;
    }
    const auto& inner = resolve(document, item.text, done);
    entry->second.insert(inner.begin(), inner.end());
  }
  return entry->second;
}

std::map<std::string, std::vector<std::string>> read_groups() {
  Issues issues("groups.json");
  const auto document = parse_document(kGroupsJson, issues);
  assert(document && issues.empty());
  Names resolved;
  std::map<std::string, std::vector<std::string>> groups;
  for (const Member& member : document->members) {
    const auto& names = resolve(*document, member.name, resolved);
    groups.emplace(member.name, std::vector<std::string>(names.begin(), names.end()));
  }
  return groups;
}

}  // namespace

const std::map<std::string, std::vector<std::string>>& syscall_groups() {
  static const auto kGroups = read_groups();
  return kGroups;
}

}  // namespace herd::config
