#include "daemon/gateway/counters.hpp"

namespace herd::gateway {
namespace {

void add_pool(const PoolCounters& counters, PoolStatistics& sum) {
  for (std::size_t status = 0; status < PoolCounters::kStatuses; ++status) {
    if (const auto count = counters.answers[status].value(); count > 0)
      sum.answers[static_cast<int>(status)] += count;
  }
  for (std::size_t i = 0; i < sum.latency.size(); ++i) sum.latency[i] += counters.latency[i].value();
  sum.latency_seconds += static_cast<double>(counters.latency_nanoseconds.value()) * 1e-9;
  sum.bytes_in += counters.bytes_in.value();
  sum.bytes_out += counters.bytes_out.value();
  sum.connects += counters.connects.value();
  sum.failed_connects += counters.failed_connects.value();
  sum.retries += counters.retries.value();
  sum.tunnels += counters.tunnels.value();
}

}  // namespace

void PoolCounters::answered(int status, Clock::duration latency_of_it) {
  answers[static_cast<std::size_t>(status)].add();
  const double seconds = std::chrono::duration<double>(latency_of_it).count();
  std::size_t bucket = 0;
  while (bucket < kLatencyBounds.size() && seconds > kLatencyBounds[bucket]) ++bucket;
  latency[bucket].add();
  latency_nanoseconds.add(static_cast<std::uint64_t>(std::chrono::nanoseconds(latency_of_it).count()));
}

PoolCounters& Counters::pool(const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto& counters = pools_[name];
  if (!counters) counters = std::make_unique<PoolCounters>();
  return *counters;
}

void Counters::add_to(Statistics& sum) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, counters] : pools_) add_pool(*counters, sum.pools[name]);
  sum.accepted += accepted.value();
  sum.connections += connections.value();
  for (std::size_t i = 0; i < limited_.size(); ++i) {
    if (const auto count = limited_[i].value(); count > 0) sum.limited[kLimitNames[i]] += count;
  }
}

}  // namespace herd::gateway
