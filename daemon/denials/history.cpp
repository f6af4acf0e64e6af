#include "daemon/denials/history.hpp"

#include <algorithm>
#include <utility>

namespace herd::denials {
namespace {

/// A record's time may be that much behind: a tick of the slowest kernels.
constexpr std::chrono::milliseconds kCoarse{10};

}  // namespace

const std::string& History::session_at(WallTime time) const {
  return time + kCoarse >= current_.since ? current_.session : before_.session;
}

std::vector<History::Told> History::begin_session(const std::string& session, WallTime now) {
  auto told = due({}, true);
  before_ = std::exchange(current_, {session, now});
  std::erase_if(entries_, [&](const Entry& entry) { return !entry.session.empty(); });
  return told;
}

History::Entry& History::entry_of(const std::optional<Kind>& kind, const std::string& session) {
  const auto is_it = [&](const Entry& entry) { return entry.kind == kind && entry.session == session; };
  const auto found = std::ranges::find_if(entries_, is_it);
  if (found != entries_.end()) return *found;
  const auto kinds =
      std::ranges::count_if(entries_, [](const Entry& entry) { return entry.kind.has_value(); });
  if (kind && static_cast<std::size_t>(kinds) >= kMaxKinds) return entry_of(std::nullopt, "");
  Entry entry;
  entry.kind = kind;
  entry.session = session;
  return entries_.emplace_back(std::move(entry));
}

void History::count(const Denied& denied, const std::optional<Kind>& kind) {
  Entry& entry = entry_of(kind, kind ? session_at(denied.last) : "");
  entry.comm = entry.kind ? denied.comm : "";
  entry.arguments = entry.kind ? denied.arguments : std::nullopt;
  entry.first = entry.count == 0 ? denied.first : std::min(entry.first, denied.first);
  entry.last = std::max(entry.last, denied.last);
  entry.count += denied.count;
  entry.untold += denied.count;
  total_ += denied.count;
}

std::vector<History::Told> History::add(const News& news, WallTime wall, SteadyTime now) {
  for (const Denied& denied : news.denied) count(denied, denied.kind);
  if (news.others > 0) count({{}, "", news.others, wall, wall, {}}, std::nullopt);
  holds_ += news.holds;
  return due(now);
}

std::vector<History::Told> History::due(SteadyTime now, bool all) {
  std::vector<Told> told;
  for (Entry& entry : entries_) {
    if (entry.untold == 0 || (!all && entry.tell_at > now)) continue;
    told.push_back({entry, std::exchange(entry.untold, 0)});
    entry.pause = entry.pause.count() == 0 ? kFirstPause : std::min(entry.pause * 2, kLongestPause);
    entry.tell_at = now + entry.pause;
  }
  return told;
}

std::optional<SteadyTime> History::next() const {
  std::optional<SteadyTime> next;
  for (const Entry& entry : entries_)
    if (entry.untold > 0) next = std::min(next.value_or(entry.tell_at), entry.tell_at);
  return next;
}

}  // namespace herd::denials
