// How many workers there are: started on demand, stopped when nothing needs them, replaced when outdated.
#include <algorithm>

#include "daemon/pool/machine.hpp"
#include "daemon/pool/saturate.hpp"

namespace herd::pool {

void Pool::Machine::reconcile() {
  switch (state_) {
    case PoolState::stopped:
      return;
    case PoolState::draining:
      return stop_unbound(Reason{.kind = ReasonKind::stopped});
    case PoolState::failed:
      break;
    case PoolState::running:
      serve_queue();
      fail_if_exhausted();
      break;
  }
  trim_to_max();
  scale();
  settle();
  changed_ = false;  // what it did itself it has seen
}

/// bound + queued + spare, at least min, at most max.
int Pool::Machine::target() const {
  const auto wanted = static_cast<long long>(workers_.count(WorkerState::bound)) +
                      static_cast<long long>(queue_.sessions()) + spare_;
  return static_cast<int>(std::clamp<long long>(wanted, min_, max_));
}

int Pool::Machine::starting() const {
  return workers_.count(WorkerState::starting) + workers_.count(WorkerState::verifying);
}

int Pool::Machine::live() const {
  return workers_.size() - workers_.count(WorkerState::stopping);
}

bool Pool::Machine::may_start() const {
  return state_ == PoolState::running && !backoff_.exhausted() &&
         (!backoff_.until() || *backoff_.until() <= now_);
}

/// After max was lowered: all but the bound ones go at once, as far as needed.
void Pool::Machine::trim_to_max() {
  const Reason reason{.kind = ReasonKind::scaled_down};
  stop_some(workers_.outdated(), live() - max_, reason);
  stop_starting(live() - max_, reason);
  stop_some(workers_.fresh(), live() - max_, reason);
}

void Pool::Machine::scale() {
  const int wanted = target();
  // An outdated worker goes as soon as those that are ready suffice without it...
  stop_some(workers_.outdated(), live() - starting() - wanted, Reason{.kind = ReasonKind::recycled});
  // ...and as long as there is one, a single worker more than wanted is started in its place. `stopping` ones
  // still have their memory and their uid, so they count against max until they are gone.
  const int goal = workers_.outdated().empty() ? wanted : std::min(wanted + 1, max_);
  if (may_start()) {
    const int limit = std::max(spec_.workers.start_concurrency, 1);
    const int count = std::min({goal - live(), max_ - workers_.size(), limit - starting()});
    for (int i = 0; i < count; ++i) start_worker();
    // Where max leaves no room for the new one, one outdated worker has to go first.
    if (!workers_.outdated().empty() && starting() == 0 && workers_.size() >= max_ &&
        workers_.count(WorkerState::stopping) == 0)
      stop_some(workers_.outdated(), 1, Reason{.kind = ReasonKind::recycled});
  }
  const int surplus = std::min(live() - goal, static_cast<int>(workers_.fresh().size()));
  stop_some(workers_.fresh(), shrink_.observe(surplus, now_), Reason{.kind = ReasonKind::scaled_down});
}

/// Everything but the bound ones.
void Pool::Machine::stop_unbound(const Reason& reason) {
  stop_starting(starting(), reason);
  stop_some(workers_.outdated(), workers_.size(), reason);
  stop_some(workers_.fresh(), workers_.size(), reason);
  shrink_.clear();
  changed_ = false;
}

/// The youngest first: the others proved themselves longer.
void Pool::Machine::stop_some(WorkerTable::Idle& idle, int count, const Reason& reason) {
  for (; count > 0 && !idle.empty(); --count) stop_worker(*idle.rbegin()->second, reason);
}

void Pool::Machine::stop_starting(int count, const Reason& reason) {
  auto& all = workers_.all();
  for (auto it = all.rbegin(); it != all.rend() && count > 0; ++it) {
    Worker& worker = it->second;
    if (worker.state() != WorkerState::starting && worker.state() != WorkerState::verifying) continue;
    stop_worker(worker, reason);
    --count;
  }
}

/// After a change someone made: says once that the pool is as it should be.
void Pool::Machine::settle() {
  if (!settling_ || state_ != PoolState::running) return;
  if (!queue_.empty() || starting() > 0 || workers_.count(WorkerState::stopping) > 0) return;
  if (!workers_.outdated().empty() || live() < target()) return;
  settling_ = false;
  emit("pool_settled", std::to_string(live()) + " workers, " +
                           std::to_string(workers_.count(WorkerState::idle)) + " of them idle");
}

/// The restart burst is used up: the pool fails, unless workers of the definition before still serve.
void Pool::Machine::fail_if_exhausted() {
  if (!backoff_.exhausted() || is_served_by_old_definition()) return;
  state_ = PoolState::failed;
  const std::string message = refusal_message();
  emit("pool_failed", message);
  deny_queue(AcquireError::pool_failed, message);
}

bool Pool::Machine::is_served_by_old_definition() const {
  return std::any_of(workers_.all().begin(), workers_.all().end(), [this](const auto& entry) {
    const Worker& worker = entry.second;
    const bool serves = worker.state() == WorkerState::idle || worker.state() == WorkerState::bound;
    return serves && is_of_old_definition(worker);
  });
}

}  // namespace herd::pool
