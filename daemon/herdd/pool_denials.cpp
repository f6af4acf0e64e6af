// What a pool tells of its workers' denied calls: events, counters, lines in the log.
#include <boost/asio.hpp>

#include "common/log.hpp"
#include "daemon/herdd/pool_driver.hpp"

namespace herd::daemon {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

denials::History* PoolDriver::history_of(const std::string& id) {
  if (const auto found = denials_.find(id); found != denials_.end()) return &found->second;
  for (GoneWorker& gone : remembered_)
    if (gone.id == id) return &gone.denials;
  return nullptr;
}

void PoolDriver::on_denied(const std::string& id, const denials::News& news) {
  denials::History forgotten;  // what comes that late is told all the same
  denials::History* known = history_of(id);
  denials::History& history = known == nullptr ? forgotten : *known;
  const std::uint64_t before = history.total();
  const bool is_living = workers_.contains(id);
  auto told = history.add(news, std::chrono::system_clock::now(), Clock::now());
  if (!is_living)
    for (auto& late : history.due(Clock::now(), true)) told.push_back(std::move(late));
  denial_counters_.calls += history.total() - before;
  tell(id, told);
  if (news.holds > 0) tell_held_back(id, news.holds);
  if (is_living) set_denials_timer();
}

void PoolDriver::tell(const std::string& id, const std::vector<denials::History::Told>& told) {
  for (const auto& [entry, count] : told) {
    auto event = std::make_shared<Json>(event_json("seccomp_denied", name(), id, entry.session));
    Json details = to_json(entry);
    const std::string text = describe_denial(details, count);
    details["total"] = entry.count;
    details["count"] = count;
    details.erase("session");
    event->update(details);
    events_.append(event, kBytesOfAnEvent + (entry.kind ? entry.kind->exe.size() : 0));
    log_info("seccomp_denied: " + text, {name(), id, entry.session});
  }
}

/// The first hold of a worker is told, and then each time that their number has doubled.
void PoolDriver::tell_held_back(const std::string& id, std::uint64_t holds) {
  const denials::History* history = history_of(id);
  const std::uint64_t now = history == nullptr ? holds : history->holds(), before = now - holds;
  denial_counters_.holds += holds;
  if (before != 0 && std::bit_width(before) == std::bit_width(now)) return;
  const bool is_notified = spec_->sandbox.seccomp.denials == seccomp::Denials::notify;
  const std::string how = is_notified ? "answered a second late" : "frozen for a second";
  const std::string text =
      "makes so many denied calls that it is " + how + " at a time; times so far: " + std::to_string(now);
  const pool::WorkerId worker = id;
  const auto view = pool_.worker(worker);
  const std::string session = view && view->session ? *view->session : "";
  auto event = std::make_shared<Json>(event_json("worker_held_back", name(), id, session));
  (*event)["message"] = text;
  (*event)["count"] = now;
  events_.append(event, kBytesOfAnEvent + text.size());
  log_warning("worker_held_back: " + text, {name(), id, session});
}

void PoolDriver::set_denials_timer() {
  std::optional<denials::SteadyTime> next;
  for (const auto& [id, history] : denials_)
    if (const auto due = history.next()) next = std::min(next.value_or(*due), *due);
  if (!next) return;
  if (denials_timer_.expiry() == *next) return;  // it is set for that
  denials_timer_.expires_at(*next);
  denials_timer_.async_wait([weak = std::weak_ptr(self_)](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self) (*self)->tell_due_denials();
  });
}

void PoolDriver::tell_due_denials() {
  const auto now = Clock::now();
  for (auto& [id, history] : denials_) tell(id, history.due(now));
  set_denials_timer();
}

}  // namespace herd::daemon
