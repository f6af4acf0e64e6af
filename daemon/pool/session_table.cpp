#include "daemon/pool/session_table.hpp"

namespace herd::pool {

Session& SessionTable::add(const SessionName& name, const WorkerId& worker, config::Lease lease, Time now) {
  Session& session = all_[name];
  session.name = name;
  session.worker = worker;
  session.lease = lease;
  session.started = session.last_used = now;
  session.number = ++last_number_;
  return session;
}

void SessionTable::erase(const SessionName& name) {
  const auto found = all_.find(name);
  if (found == all_.end()) return;
  unschedule(found->second);
  for (const RequestId request : found->second.holders) holders_.erase(request);
  all_.erase(found);
}

Session* SessionTable::find(const SessionName& name) {
  const auto found = all_.find(name);
  return found == all_.end() ? nullptr : &found->second;
}

const Session* SessionTable::find(const SessionName& name) const {
  const auto found = all_.find(name);
  return found == all_.end() ? nullptr : &found->second;
}

void SessionTable::hold(Session& session, RequestId request) {
  if (holders_.emplace(request, &session).second) session.holders.insert(request);
}

Session* SessionTable::let_go(RequestId request) {
  const auto found = holders_.find(request);
  if (found == holders_.end()) return nullptr;
  Session* session = found->second;
  holders_.erase(found);
  session->holders.erase(request);
  return session;
}

void SessionTable::schedule(Session& session, std::optional<Time> end) {
  if (!end || *end == Time::max()) return unschedule(session);
  if (session.scheduled && *session.scheduled <= *end) return;
  unschedule(session);
  session.scheduled = end;
  due_.emplace(std::pair(*end, session.number), &session);
}

Session* SessionTable::pop_due(Time now) {
  if (due_.empty() || due_.begin()->first.first > now) return nullptr;
  Session* session = due_.begin()->second;
  unschedule(*session);
  return session;
}

std::optional<Time> SessionTable::next_due() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first.first;
}

void SessionTable::unschedule(Session& session) {
  if (!session.scheduled) return;
  due_.erase(std::pair(*session.scheduled, session.number));
  session.scheduled.reset();
}

}  // namespace herd::pool
