#include "daemon/denials/tally.hpp"

#include <utility>

namespace herd::denials {

void Tally::add(WorkerKey worker, const Record& record) {
  Pending& pending = pending_[worker];
  if (record.signal != 0) {
    if (pending.kills.size() >= kMaxKills) pending.kills.erase(pending.kills.begin());
    pending.kills.push_back({record.pid, record.arch, record.number});
  }
  Kind kind{record.arch, record.number, record.code, record.exe.substr(0, kMaxExe)};
  auto found = pending.denied.find(kind);
  if (found == pending.denied.end()) {
    if (pending.denied.size() >= kMaxKinds) {
      ++pending.others;
      return;
    }
    Denied first{kind, record.comm, 0, record.time, record.time, {}};
    found = pending.denied.emplace(std::move(kind), std::move(first)).first;
  }
  Denied& denied = found->second;
  ++denied.count;
  denied.comm = record.comm;
  denied.arguments = record.arguments;
  denied.first = std::min(denied.first, record.time);
  denied.last = std::max(denied.last, record.time);
}

std::map<WorkerKey, News> Tally::take() {
  std::map<WorkerKey, News> all;
  for (auto& [worker, pending] : std::exchange(pending_, {})) {
    News& news = all[worker];
    for (auto& [kind, denied] : pending.denied) news.denied.push_back(std::move(denied));
    news.others = pending.others;
    news.holds = pending.holds;
    news.shares_listener = pending.shares_listener;
    news.kills = std::move(pending.kills);
  }
  return all;
}

}  // namespace herd::denials
