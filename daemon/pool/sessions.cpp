// A session from the moment it has a worker until it ends.
#include <algorithm>

#include "daemon/pool/machine.hpp"
#include "daemon/pool/saturate.hpp"

namespace herd::pool {

namespace {

Reason session_ended(std::string how) {
  return Reason{.kind = ReasonKind::session_ended, .what = std::move(how)};
}

}  // namespace

void Pool::Machine::on(const Release& event) {
  Session* session = sessions_.find(event.session);
  actions_.push_back(ReleaseAnswer{event.session, session != nullptr});
  if (session != nullptr) finish_session(*session, session_ended("released"));
}

void Pool::Machine::on(const LeaseClosed& event) {
  if (queue_.remove(event.request)) {
    changed_ = true;
    return;
  }
  Session* session = sessions_.let_go(event.request);
  if (session == nullptr || !session->holders.empty()) return;
  if (session->lease == config::Lease::connection)
    return finish_session(*session, session_ended("lease_closed"));
  session->last_used = std::max(session->last_used, now_ - event.rested);
  const auto end = idle_end(*session);
  if (end && *end <= now_) return finish_session(*session, Reason{.kind = ReasonKind::idle_evicted});
  plan_end(*session);
}

void Pool::Machine::on(const Hold& event) {
  Session* session = sessions_.find(event.session);
  if (session != nullptr && session->worker == event.worker) use(*session, event.request);
}

void Pool::Machine::serve_queue() {
  while (!queue_.empty()) {
    auto& idle = workers_.fresh().empty() ? workers_.outdated() : workers_.fresh();
    if (idle.empty()) return;
    bind(*idle.begin()->second, queue_.pop());
  }
}

void Pool::Machine::bind(Worker& worker, const Waiting& waiting) {
  const config::Lease lease = waiting.requests.front().lease;
  Session& session = sessions_.add(waiting.session, worker.id, lease, now_);
  worker.session = session.name;
  worker.single_use = !spec_.sessions.reuse;
  ++worker.sessions_served;
  workers_.move(worker, WorkerState::bound);
  ++counters_.sessions;
  changed_ = true;
  emit_worker("worker_bound", worker);
  emit_worker("session_started", worker);

  bool created = true;
  for (const Request& request : waiting.requests) {
    if (request.lease == config::Lease::connection) sessions_.hold(session, request.id);
    if (!created) ++counters_.hits;
    grant(request.id, session, std::exchange(created, false));
  }
  plan_end(session);
}

/// The session is over; its worker stays `bound` for a moment, and the caller says what becomes of it.
void Pool::Machine::end_session(const SessionName& name, const Reason& reason) {
  Worker& worker = *workers_.find(sessions_.find(name)->worker);
  emit_worker("session_ended", worker, reason);
  sessions_.erase(name);
  worker.session.clear();
  changed_ = true;
}

/// Ends the session in good order: the worker stops with the same reason, or serves again where it may.
void Pool::Machine::finish_session(Session& session, const Reason& reason) {
  Worker& worker = *workers_.find(session.worker);
  if (!may_serve_again(worker)) return stop_worker(worker, reason);
  const SessionName name = session.name;
  end_session(name, reason);
  if (state_ == PoolState::draining) return stop_worker(worker, Reason{.kind = ReasonKind::stopped});
  if (is_worn_out(worker)) return stop_worker(worker, Reason{.kind = ReasonKind::recycled});
  return_to_idle(worker);
}

void Pool::Machine::expire_sessions() {
  while (Session* session = sessions_.pop_due(now_)) {
    const auto idle = idle_end(*session);
    const auto lifetime = lifetime_end(*session);
    if (lifetime && *lifetime <= now_) {
      finish_session(*session, session_ended("max_lifetime"));
    } else if (idle && *idle <= now_) {
      finish_session(*session, Reason{.kind = ReasonKind::idle_evicted});
    } else {
      plan_end(*session);  // it was used since that time was planned
    }
  }
}

void Pool::Machine::use(Session& session, std::optional<RequestId> holder) {
  session.last_used = now_;
  if (holder) sessions_.hold(session, *holder);
  plan_end(session);
}

void Pool::Machine::plan_end(Session& session) {
  const auto idle = idle_end(session);
  const auto lifetime = lifetime_end(session);
  sessions_.schedule(session, idle && lifetime ? std::min(idle, lifetime) : (idle ? idle : lifetime));
}

std::optional<Time> Pool::Machine::idle_end(const Session& session) const {
  const auto& timeout = spec_.sessions.idle_timeout;
  if (!timeout || session.lease == config::Lease::connection || !session.holders.empty()) return std::nullopt;
  return after(session.last_used, *timeout);
}

std::optional<Time> Pool::Machine::lifetime_end(const Session& session) const {
  if (!spec_.sessions.max_lifetime) return std::nullopt;
  return after(session.started, *spec_.sessions.max_lifetime);
}

}  // namespace herd::pool
