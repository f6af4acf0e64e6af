// The pool's one timer: it stands at the nearest of all deadlines and is set anew only when that changed.
#include <algorithm>

#include "daemon/pool/machine.hpp"
#include "daemon/pool/saturate.hpp"

namespace herd::pool {

void Pool::Machine::on(const TimerFired&) {
  timer_.reset();
}  // run_due() did the work before

/// What fell due before an event happened before it. A timer may come late, so every step looks.
void Pool::Machine::run_due() {
  expire_requests();
  expire_sessions();
  // Who waits comes before whoever asks now.
  if (state_ == PoolState::running) serve_queue();
  if (backoff_.until() && *backoff_.until() <= now_) {
    backoff_.lift(now_);
    changed_ = true;
  }
  while (const auto age = next_age()) {
    if (*age > now_) break;
    refresh(*workers_.fresh().begin()->second);
  }
  if (const auto stable = next_stable(); stable && *stable <= now_) {
    while (!unproven_.empty() && after(unproven_.begin()->first, spec_.restart.reset_after) <= now_)
      unproven_.erase(unproven_.begin());
    if (state_ == PoolState::running && backoff_.failures_in_a_row() > 0) {
      backoff_.clear();
      failure_.clear();
      changed_ = true;
    }
  }
  if (const auto due = shrink_.due(); due && *due <= now_) changed_ = true;
}

void Pool::Machine::set_timer() {
  Time next = Time::max();
  const auto consider = [&next](std::optional<Time> time) {
    if (time) next = std::min(next, *time);
  };
  if (state_ != PoolState::stopped) {
    consider(queue_.next_deadline());
    consider(sessions_.next_due());
    consider(backoff_.until());
    consider(next_age());
    consider(shrink_.due());
    if (backoff_.failures_in_a_row() > 0) consider(next_stable());
  }
  if (next == Time::max()) {
    if (std::exchange(timer_, std::nullopt)) actions_.push_back(ClearTimer{});
  } else if (timer_ != next) {
    timer_ = next;
    actions_.push_back(SetTimer{next});
  }
}

/// When the oldest idle worker has to be replaced.
std::optional<Time> Pool::Machine::next_age() const {
  if (!spec_.recycle.age || workers_.fresh().empty()) return std::nullopt;
  return after(workers_.fresh().begin()->first.first, *spec_.recycle.age);
}

/// When a worker has lived long enough that the failures before it are forgotten.
std::optional<Time> Pool::Machine::next_stable() const {
  if (unproven_.empty()) return std::nullopt;
  return after(unproven_.begin()->first, spec_.restart.reset_after);
}

}  // namespace herd::pool
