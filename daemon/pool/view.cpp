// What can be read of the machine, at any time and without changing it.
#include <algorithm>

#include "daemon/pool/machine.hpp"

namespace herd::pool {

namespace {

WorkerView view_of(const Worker& worker) {
  WorkerView view{worker.id, worker.state(), worker.generation, worker.started, worker.ready};
  if (!worker.session.empty()) view.session = worker.session;
  view.sessions_served = worker.sessions_served;
  view.verified = worker.verified;
  return view;
}

SessionView view_of(const Session& session) {
  return SessionView{session.name,    session.worker,    session.lease,
                     session.started, session.last_used, static_cast<int>(session.holders.size())};
}

}  // namespace

View Pool::Machine::view() const {
  View view;
  view.state = state_;
  if (state_ == PoolState::failed) {
    view.reason = std::to_string(std::max(spec_.restart.burst, 1)) + " failures within " +
                  format(spec_.restart.window) + " (restart.burst); the last: " + failure_;
  } else if (!failure_.empty() && is_served_by_old_definition()) {
    view.reason = "the workers of generation " + std::to_string(generation_) +
                  " do not get ready, those before it still serve" +
                  (backoff_.exhausted() ? " and no more are tried (restart.burst)" : "") +
                  "; the last that failed: " + failure_;
  }
  view.generation = generation_;
  view.min = min_;
  view.max = max_;
  view.spare = spare_;
  view.starting = starting();
  view.idle = workers_.count(WorkerState::idle);
  view.bound = workers_.count(WorkerState::bound);
  view.stopping = workers_.count(WorkerState::stopping);
  view.queued = static_cast<int>(queue_.requests());
  view.consecutive_failures = backoff_.failures_in_a_row();
  view.backoff_until = backoff_.until();
  view.counters = counters_;
  return view;
}

std::vector<WorkerView> Pool::Machine::workers() const {
  std::vector<WorkerView> views;
  views.reserve(workers_.all().size());
  for (const auto& [number, worker] : workers_.all()) views.push_back(view_of(worker));
  return views;
}

std::vector<SessionView> Pool::Machine::sessions() const {
  std::vector<SessionView> views;
  views.reserve(sessions_.all().size());
  for (const auto& [name, session] : sessions_.all()) views.push_back(view_of(session));
  std::sort(views.begin(), views.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return views;
}

std::optional<WorkerView> Pool::Machine::worker(const WorkerId& id) const {
  const Worker* worker = workers_.find(id);
  return worker == nullptr ? std::nullopt : std::optional(view_of(*worker));
}

std::optional<SessionView> Pool::Machine::session(const SessionName& name) const {
  const Session* session = sessions_.find(name);
  return session == nullptr ? std::nullopt : std::optional(view_of(*session));
}

}  // namespace herd::pool
