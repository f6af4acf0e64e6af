#include "config/diff.hpp"

#include <algorithm>

#include "config/text.hpp"

namespace herd::config {
namespace {

template <typename Spec>
std::string text(const Table<Spec>& table, const Field<Spec>& field, const Json& value) {
  if (!value.is_null()) return value.dump(-1, ' ', false, Json::error_handler_t::replace);
  const auto* group = table.find_group(parent_of(field.pointer));
  const bool is_off = group != nullptr && group->form == Group<Spec>::Form::object_or_off;
  return is_off ? "\"off\"" : "absent";
}

template <typename Spec>
std::vector<Change> diff_fields(const Table<Spec>& table, const Spec& before, const Spec& after) {
  std::vector<Change> changes;
  for (const auto& field : table.fields) {
    const Json old_value = field.write(before);
    const Json new_value = field.write(after);
    if (old_value == new_value) continue;
    changes.push_back(
        {field.pointer, field.applies, text(table, field, old_value), text(table, field, new_value)});
  }
  return changes;
}

}  // namespace

std::vector<Change> diff(const PoolSpec& before, const PoolSpec& after) {
  auto changes = diff_fields(pool_table(), before, after);
  const SeccompSpec &was = before.sandbox.seccomp, &is = after.sandbox.seccomp;
  if (was.profile == is.profile && was.rules != is.rules)
    changes.push_back({"/sandbox/seccomp/profile", Applies::recycle, quote(was.profile),
                       quote(is.profile) + ", which has changed"});
  return changes;
}

std::vector<Change> diff(const DaemonSpec& before, const DaemonSpec& after) {
  return diff_fields(daemon_table(), before, after);
}

Applies strongest(const std::vector<Change>& changes) {
  Applies most = Applies::live;
  for (const Change& change : changes) most = std::max(most, change.applies);
  return most;
}

}  // namespace herd::config
