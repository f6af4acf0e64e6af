// What workers do, and what becomes of each.
#include "daemon/pool/machine.hpp"
#include "daemon/pool/saturate.hpp"

namespace herd::pool {

void Pool::Machine::on(const WorkerBecameReady& event) {
  Worker* worker = workers_.find(event.worker);
  if (worker == nullptr || worker->state() != WorkerState::starting) return;
  workers_.move(*worker, WorkerState::verifying);
}

void Pool::Machine::on(const WorkerVerified& event) {
  Worker* worker = workers_.find(event.worker);
  // Too early, or too late: a worker that is stopping already must serve nobody.
  if (worker == nullptr || worker->state() != WorkerState::verifying) return;
  worker->verified = true;
  worker->ready = now_;
  unproven_.emplace(now_, worker->number);
  emit_worker("worker_ready", *worker);
  return_to_idle(*worker);
}

void Pool::Machine::on(const WorkerIsUnhealthy& event) {
  Worker* worker = workers_.find(event.worker);
  if (worker == nullptr || !worker->verified || worker->state() == WorkerState::stopping) return;
  const Reason reason{.kind = ReasonKind::unhealthy};
  // A host that stalls makes all idle workers look unhealthy at once: that must not fail the pool.
  if (worker->state() == WorkerState::idle) failed(*worker, reason, FailureWeight::slows_down);
  stop_worker(*worker, reason);
}

void Pool::Machine::on(const WorkerMemory& event) {
  Worker* worker = workers_.find(event.worker);
  if (worker == nullptr || !worker->verified) return;
  worker->memory = event.used;
  if (worker->state() == WorkerState::idle) refresh(*worker);
}

void Pool::Machine::on(const WorkerGone& event) {
  Worker* worker = workers_.find(event.worker);
  if (worker == nullptr) return;
  if (!worker->session.empty()) end_session(SessionName(worker->session), event.reason);
  ++counters_.gone;
  if (event.reason.kind == ReasonKind::oom_killed) {
    ++counters_.oom_killed;
  } else if (!is_planned(event.reason.kind)) {
    ++counters_.crashed;
  }
  emit_worker("worker_gone", *worker, event.reason);
  // One user's crashes must not fail the pool for the others: only workers without a session count.
  if (worker->state() != WorkerState::bound && worker->state() != WorkerState::stopping)
    failed(*worker, event.reason, FailureWeight::counts_to_burst);
  unproven_.erase({worker->ready, worker->number});
  workers_.erase(*worker);
  changed_ = true;
}

void Pool::Machine::on(const StopWorkerRequest& event) {
  if (Worker* worker = workers_.find(event.worker)) stop_worker(*worker, Reason{.kind = ReasonKind::stopped});
}

void Pool::Machine::start_worker() {
  Worker& worker = workers_.add(spec_.name + "-" + std::to_string(ids_.next()), generation_, now_);
  ++counters_.started;
  actions_.push_back(StartWorker{worker.id, worker.generation});
  emit_worker("worker_starting", worker);
}

void Pool::Machine::stop_worker(Worker& worker, const Reason& reason) {
  if (worker.state() == WorkerState::stopping) return;
  if (!worker.session.empty()) end_session(SessionName(worker.session), reason);
  workers_.move(worker, WorkerState::stopping);
  unproven_.erase({worker.ready, worker.number});
  actions_.push_back(StopWorker{worker.id, reason});
  emit_worker("worker_stopping", worker, reason);
  changed_ = true;
}

void Pool::Machine::return_to_idle(Worker& worker) {
  workers_.move(worker, WorkerState::idle);
  refresh(worker);
  changed_ = true;
}

void Pool::Machine::failed(const Worker& worker, const Reason& reason, FailureWeight weight) {
  // The old definition's workers say nothing about the new one, and a pool that starts nothing has no
  // backoff.
  if (state_ != PoolState::running || is_of_old_definition(worker)) return;
  failure_ = describe(reason);
  const bool gave_up = backoff_.exhausted();
  backoff_.failed(spec_.restart, now_, weight);
  if (backoff_.exhausted()) {
    if (!gave_up && is_served_by_old_definition()) emit("pool_recycle_failed", view().reason);
    return;
  }
  const auto wait = std::chrono::ceil<Duration>(*backoff_.until() - now_);
  emit("pool_backoff", std::to_string(backoff_.failures_in_a_row()) +
                           " in a row failed; nothing is started for " + format(wait) +
                           "; the last: " + failure_);
}

void Pool::Machine::refresh(Worker& worker) {
  const bool outdated = is_of_old_definition(worker) || is_worn_out(worker);
  if (outdated != worker.outdated()) changed_ = true;
  workers_.set_outdated(worker, outdated);
}

bool Pool::Machine::is_of_old_definition(const Worker& worker) const {
  return worker.generation < required_generation_;
}

bool Pool::Machine::is_worn_out(const Worker& worker) const {
  const auto& [sessions, age, memory] = spec_.recycle;
  if (sessions && worker.sessions_served >= *sessions) return true;
  if (age && worker.verified && after(worker.ready, *age) <= now_) return true;
  return memory && worker.memory > *memory;
}

bool Pool::Machine::may_serve_again(const Worker& worker) const {
  return spec_.sessions.reuse && !worker.single_use;
}

}  // namespace herd::pool
