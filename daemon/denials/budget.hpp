// How many denied calls a worker may have recorded before it is held back: a token bucket for each worker,
// and one for all of them together. Pure: knows no clock.
#pragma once

#include <algorithm>
#include <chrono>

namespace herd::denials {

/// The kernel writes some 250,000 records a second for a worker that does nothing but denied calls, beyond
/// its queue of 64 whoever else on the host has something to record waits, and what auditd keeps is written
/// over within seconds. These rates leave the queue empty, and a service that starts, or falls back from
/// calls that it is denied, untouched.
struct BudgetLimits {
  double worker_burst = 2000, worker_per_second = 500;
  double total_burst = 10'000, total_per_second = 2000;
  /// What a record costs its worker while the total is used up: those that make few go on.
  double cost_when_short = 10;
};

class Budget {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Bucket {
    double tokens = 0;
    Time filled{};
  };

  explicit Budget(const BudgetLimits& limits, Time now) : limits_(limits), total_{limits.total_burst, now} {}

  [[nodiscard]] Bucket full_bucket(Time now) const { return {limits_.worker_burst, now}; }
  /// For one record. False: the worker has had more than its share, and is to be held back.
  [[nodiscard]] bool spend(Bucket& worker, Time now) {
    fill(total_, limits_.total_per_second, limits_.total_burst, now);
    fill(worker, limits_.worker_per_second, limits_.worker_burst, now);
    const bool is_short = total_.tokens < 1;
    total_.tokens = std::max(0.0, total_.tokens - 1);
    worker.tokens = std::max(0.0, worker.tokens - (is_short ? limits_.cost_when_short : 1));
    return worker.tokens > 0;
  }

 private:
  static void fill(Bucket& bucket, double per_second, double most, Time now) {
    const double seconds = std::chrono::duration<double>(now - bucket.filled).count();
    if (seconds <= 0) return;
    bucket.tokens = std::min(most, bucket.tokens + seconds * per_second);
    bucket.filled = now;
  }
  BudgetLimits limits_;
  Bucket total_;
};

}  // namespace herd::denials
