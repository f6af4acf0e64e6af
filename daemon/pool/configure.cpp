// What operators and reloads do to the pool.
#include <algorithm>

#include "daemon/pool/machine.hpp"

namespace herd::pool {

void Pool::Machine::on(const Scale& event) {
  if (state_ == PoolState::stopped) return;
  set_limits(event.min.value_or(wanted_min_), event.max.value_or(max_), event.spare.value_or(spare_));
  settling_ = changed_ = true;
  emit("pool_scaled",
       "min " + std::to_string(min_) + ", max " + std::to_string(max_) + ", spare " + std::to_string(spare_));
}

void Pool::Machine::on(const Drain&) {
  if (state_ == PoolState::stopped || state_ == PoolState::draining) return;
  state_ = PoolState::draining;
  changed_ = true;
  // What failed before is forgotten: nothing is started, and Resume begins anew.
  backoff_.clear();
  failure_.clear();
  emit("pool_state", std::string(name(state_)));
  deny_queue(AcquireError::pool_draining, refusal_message());
}

void Pool::Machine::on(const Resume&) {
  if (state_ == PoolState::stopped) return;
  if (std::exchange(state_, PoolState::running) != PoolState::running)
    emit("pool_state", std::string(name(state_)));
  try_again();
}

void Pool::Machine::on(const Restart&) {
  if (state_ == PoolState::stopped) return;
  ++generation_;
  emit("pool_restarting", "generation " + std::to_string(generation_));
  require_new_generation();
  try_again();
}

void Pool::Machine::on(const Shutdown&) {
  if (state_ == PoolState::stopped) return;
  state_ = PoolState::stopped;
  emit("pool_state", std::string(name(state_)));
  deny_queue(AcquireError::stopping, refusal_message());
  for (auto& [number, worker] : workers_.all()) stop_worker(worker, Reason{.kind = ReasonKind::stopped});
  backoff_.clear();
  shrink_.clear();
}

void Pool::Machine::on(const Configure& event) {
  if (state_ == PoolState::stopped) return;
  spec_ = event.spec;
  set_limits(spec_.workers.min, spec_.workers.max, spec_.workers.spare);
  ++generation_;
  emit("pool_configured", "generation " + std::to_string(generation_));
  if (event.recycle) require_new_generation();
  for (auto& [number, worker] : workers_.all()) {
    if (worker.state() != WorkerState::idle) continue;
    if (worker.sessions_served > 0 && !may_serve_again(worker)) {
      stop_worker(worker, Reason{.kind = ReasonKind::recycled});  // reuse was turned off
    } else {
      refresh(worker);
    }
  }
  for (auto& [session_name, session] : sessions_.all()) plan_end(session);
  try_again();
}

void Pool::Machine::set_limits(int min, int max, int spare) {
  wanted_min_ = min;
  max_ = std::max(max, 0);
  min_ = std::clamp(min, 0, max_);
  spare_ = std::max(spare, 0);
}

/// Every worker of now is replaced: idle ones by and by, bound ones at their session's end. Those that have
/// not served yet and are not ready have nothing to lose.
void Pool::Machine::require_new_generation() {
  required_generation_ = generation_;
  unproven_.clear();
  stop_starting(starting(), Reason{.kind = ReasonKind::recycled});
  for (auto& [number, worker] : workers_.all())
    if (worker.state() == WorkerState::idle) refresh(worker);
}

/// Someone changed something or asked for it: the failures so far are forgotten.
void Pool::Machine::try_again() {
  if (state_ == PoolState::failed) {
    state_ = PoolState::running;
    emit("pool_state", std::string(name(state_)));
  }
  backoff_.clear();
  failure_.clear();
  settling_ = changed_ = true;
}

}  // namespace herd::pool
