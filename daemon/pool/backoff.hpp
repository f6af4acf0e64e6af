// How long the pool waits before it starts workers again after failures, and when it gives up.
#pragma once

#include <deque>
#include <optional>

#include "config/pool_spec.hpp"
#include "daemon/pool/pool.hpp"

namespace herd::pool {

/// Does a failure count toward restart.burst, or does it only slow the next start down?
enum class FailureWeight { counts_to_burst, slows_down };

class Backoff {
 public:
  /// The next start waits min(backoff_max, backoff_min * 2^(n-1)) after the n-th failure in a row.
  void failed(const config::RestartSpec& spec, Time now, FailureWeight weight);
  /// The wait is over; the failures in a row still count.
  void lift(Time now);
  /// A worker lived long enough, or someone changed the definition or asked for a new try.
  void clear();

  /// Nothing may be started before this; empty: at once.
  [[nodiscard]] std::optional<Time> until() const { return until_; }
  [[nodiscard]] int failures_in_a_row() const { return in_a_row_; }
  /// `burst` failures came within `window`: nothing is started until clear().
  [[nodiscard]] bool exhausted() const { return exhausted_; }

 private:
  int in_a_row_ = 0;
  bool exhausted_ = false;
  std::optional<Time> until_;
  std::deque<Time> recent_;  // the failures of the last window, `burst` at most
};

}  // namespace herd::pool
