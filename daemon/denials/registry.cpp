#include "daemon/denials/registry.hpp"

#include <algorithm>

namespace herd::denials {
namespace {

/// Whether a line of /proc/PID/cgroup ("0::/a/b") has exactly that path.
bool is_in(std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const std::size_t colon = line.find(':', line.find(':') + 1);
    if (colon != std::string_view::npos && line.substr(colon + 1) == path) return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

}  // namespace

void Registry::add(const std::shared_ptr<Watched>& watched) {
  by_uid_.emplace(watched->subject.uid, watched);
}

std::shared_ptr<Watched> Registry::find(const Record& record) const {
  const auto [first, last] = by_uid_.equal_range(record.uid);
  std::shared_ptr<Watched> owner;
  std::size_t owners = 0, sharers = 0;
  for (auto it = first; it != last; ++it) {
    const auto& watched = it->second;
    if (!watched->subject.owns_uid) {
      ++sharers;
      continue;
    }
    ++owners;
    // A uid is given again once its worker is gone: a record is of the one that had it then.
    if (watched->since <= record.time && (!owner || watched->since >= owner->since)) owner = watched;
  }
  if (sharers == 0 && owners == 1) return first->second;  // whatever the clock did meanwhile
  if (sharers == 0) return owner;
  const std::string text = cgroup_of_(record.pid);
  for (auto it = first; it != last; ++it)
    if (!it->second->cgroup.empty() && is_in(text, it->second->cgroup)) return it->second;
  return nullptr;
}

bool Registry::has_ended() const {
  return std::ranges::any_of(by_uid_, [](const auto& entry) { return entry.second->ended.has_value(); });
}

std::vector<WorkerKey> Registry::forget_old(SteadyTime now) {
  std::vector<WorkerKey> forgotten;
  for (auto it = by_uid_.begin(); it != by_uid_.end();) {
    const bool is_old = it->second->ended && *it->second->ended + kLinger <= now;
    if (is_old) forgotten.push_back(it->second->key);
    it = is_old ? by_uid_.erase(it) : std::next(it);
  }
  return forgotten;
}

}  // namespace herd::denials
