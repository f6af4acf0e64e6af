// A pool with a manual clock and a world that does only what the test says, so each test reads as a story.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "daemon/pool/pool.hpp"

namespace herd::pool {

using namespace std::chrono_literals;

inline constexpr Time kStart = Time(std::chrono::hours(1));

class CountingIds : public IdSource {
 public:
  std::uint64_t next() override { return ++last_; }

 private:
  std::uint64_t last_ = 0;
};

/// Pool "x": idle leases of 5 minutes, no reuse, nothing recycled.
config::PoolSpec spec_of(int min, int max, int spare);

class World {
 public:
  /// Sends the first TimerFired, as the driver does.
  explicit World(config::PoolSpec spec);

  /// One step; returns what the pool asked for as text, without events for people and timers:
  /// "start x-1; stop x-2 unhealthy; grant 7 ann x-1 new; grant 8 ann x-1 hit; deny 9 queue_full; released
  /// ann no"
  std::string step(const Event& event);
  std::string acquire(RequestId request, const SessionName& session, std::optional<Duration> timeout = {},
                      std::optional<config::Lease> lease = {});
  std::string hold(RequestId request, const SessionName& session);  // acquire with lease `connection`
  std::string ready(const WorkerId& worker);                        // ready and verified
  std::string gone(const WorkerId& worker, ReasonKind kind = ReasonKind::exited);
  /// Time passes; the timer fires each time that it is due.
  std::string wait(Duration duration);
  /// Every starting worker gets ready and every stopping one goes, until nothing more happens.
  std::string settle();

  /// "x-1 idle, x-2 bound ann" in the order of start.
  [[nodiscard]] std::string workers() const;
  [[nodiscard]] int count(WorkerState state) const;
  /// Of the last step or wait: how many events of this type there were, and the last of them.
  [[nodiscard]] int emitted(const std::string& type) const;
  [[nodiscard]] Emit last_emitted(const std::string& type) const;
  [[nodiscard]] Denied last_denied() const;

  Pool& pool() { return pool_; }
  [[nodiscard]] const Pool& pool() const { return pool_; }
  [[nodiscard]] Time now() const { return now_; }
  [[nodiscard]] std::optional<Time> timer() const { return timer_; }
  /// SetTimer and ClearTimer actions of the last step or wait.
  [[nodiscard]] int timer_changes() const;

 private:
  std::string take(std::vector<Action> actions);

  CountingIds ids_;
  Pool pool_;
  Time now_ = kStart;
  std::optional<Time> timer_;
  std::vector<Action> last_;
};

}  // namespace herd::pool
