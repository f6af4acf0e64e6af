// What one thread has done, counted where no other thread writes and read by the main thread once a second.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "daemon/gateway/limits.hpp"
#include "daemon/gateway/loop.hpp"
#include "protocol/gateway/statistics.hpp"

namespace herd::gateway {

/// One writer, so there is no need of an atomic addition.
class Counter {
 public:
  void add(std::uint64_t count = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  void subtract_one() { value_.store(value_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

struct PoolCounters {
  static constexpr std::size_t kStatuses = 600;
  std::array<Counter, kStatuses> answers;
  std::array<Counter, kLatencyBounds.size() + 1> latency;
  Counter latency_nanoseconds, bytes_in, bytes_out, connects, failed_connects, retries, tunnels;

  void answered(int status, Clock::duration latency_of_it);
};

class Counters {
 public:
  /// Stays where it is. From the thread that counts.
  PoolCounters& pool(const std::string& name);
  void limited(Limit limit) { limited_[static_cast<std::size_t>(limit)].add(); }

  Counter accepted, connections;

  /// From any thread.
  void add_to(Statistics& sum) const;

 private:
  mutable std::mutex mutex_;  // for the map, not for what is counted
  std::map<std::string, std::unique_ptr<PoolCounters>> pools_;
  std::array<Counter, kLimitNames.size()> limited_;
};

}  // namespace herd::gateway
