#include "daemon/pool/backoff.hpp"

#include <algorithm>
#include <limits>

#include "daemon/pool/saturate.hpp"

namespace herd::pool {

namespace {

Duration delay(const config::RestartSpec& spec, int failures_in_a_row) {
  Duration result = std::max(spec.backoff_min, Duration::zero());
  for (int i = 1; i < failures_in_a_row && result > Duration::zero() && result < spec.backoff_max; ++i) {
    // Compared by halves: backoff_max may be as long as the type holds.
    result = result > spec.backoff_max / 2 ? spec.backoff_max : result * 2;
  }
  return std::min(result, spec.backoff_max);
}

}  // namespace

void Backoff::failed(const config::RestartSpec& spec, Time now, FailureWeight weight) {
  if (in_a_row_ < std::numeric_limits<int>::max()) ++in_a_row_;
  if (exhausted_) return;
  const Time until = after(now, delay(spec, in_a_row_));
  until_ = until_ ? std::max(*until_, until) : until;
  if (weight == FailureWeight::slows_down) return;

  recent_.push_back(now);
  while (after(recent_.front(), spec.window) < now) recent_.pop_front();
  const auto burst = static_cast<std::size_t>(std::max(spec.burst, 1));
  while (recent_.size() > burst) recent_.pop_front();
  if (recent_.size() < burst) return;
  exhausted_ = true;
  until_.reset();
}

void Backoff::lift(Time now) {
  if (until_ && *until_ <= now) until_.reset();
}

void Backoff::clear() {
  *this = Backoff();
}

}  // namespace herd::pool
