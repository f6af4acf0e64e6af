#include "daemon/pool/queue.hpp"

namespace herd::pool {

void Queue::add(const SessionName& session, const Request& request) {
  auto [entry, is_new] = by_session_.try_emplace(session, waiting_.end());
  if (is_new) entry->second = waiting_.insert(waiting_.end(), Waiting{session, {}});
  auto& requests = entry->second->requests;
  by_id_.emplace(request.id, Place{entry->second, requests.insert(requests.end(), request)});
  deadlines_.emplace(request.deadline, request.id);
}

bool Queue::remove(RequestId id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return false;
  const auto [waiting, request] = found->second;
  deadlines_.erase({request->deadline, id});
  by_id_.erase(found);
  waiting->requests.erase(request);
  if (waiting->requests.empty()) {
    by_session_.erase(waiting->session);
    waiting_.erase(waiting);
  }
  return true;
}

Waiting Queue::pop() {
  Waiting first = std::move(waiting_.front());
  waiting_.pop_front();
  by_session_.erase(first.session);
  for (const Request& request : first.requests) {
    by_id_.erase(request.id);
    deadlines_.erase({request.deadline, request.id});
  }
  return first;
}

std::optional<std::pair<SessionName, RequestId>> Queue::pop_expired(Time now) {
  if (deadlines_.empty() || deadlines_.begin()->first > now) return std::nullopt;
  const RequestId id = deadlines_.begin()->second;
  std::pair<SessionName, RequestId> expired(by_id_.at(id).waiting->session, id);
  remove(id);
  return expired;
}

std::vector<Waiting> Queue::take_all() {
  std::vector<Waiting> all;
  all.reserve(waiting_.size());
  while (!waiting_.empty()) all.push_back(pop());
  return all;
}

std::optional<Time> Queue::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

}  // namespace herd::pool
