// One thread's events: sockets that are watched edge-triggered, calls that other threads hand in, and a tick.
//
// Not Asio's: there a socket that waits needs a buffer, or a system call to say that it waits; here an idle
// connection has neither (docs/adr/0019).
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::gateway {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

/// Who is told of a file's events.
class Watcher {
 public:
  Watcher() = default;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  virtual ~Watcher() = default;
  virtual void on_events(std::uint32_t events) = 0;
};

class Loop {
 public:
  using Call = std::function<void()>;

  static Result<std::unique_ptr<Loop>> create();

  /// Until the fd is closed. `watcher` must live until the turn's end then: see retire().
  Status watch(int fd, std::uint32_t events, Watcher& watcher);
  /// Other events from now on; those that are there already are told again.
  void change(int fd, std::uint32_t events, Watcher& watcher);
  void unwatch(int fd);
  /// Calls it once more in the next turn, with no events: what it does is not done, and others wait.
  void again(Watcher& watcher);
  /// Runs it on this loop's thread. From any thread.
  void post(Call call);
  /// Frees it at the turn's end: events of this turn may still name it.
  void retire(std::unique_ptr<Watcher> watcher);

  /// `tick` is called each `period`, as long as `needs_ticks` says so after a turn.
  void run(std::chrono::milliseconds period, const Call& tick, const std::function<bool()>& needs_ticks);
  /// From a call of the loop's own.
  void stop() { is_stopped_ = true; }

  /// The time at which this turn began.
  [[nodiscard]] TimePoint now() const { return now_; }

 private:
  Loop(UniqueFd epoll, UniqueFd waker) : epoll_(std::move(epoll)), waker_(std::move(waker)) {}
  void run_posted();
  void run_again();

  UniqueFd epoll_, waker_;
  std::mutex mutex_;
  std::vector<Call> posted_;  // guarded by mutex_
  std::vector<Watcher*> again_, running_again_;
  std::vector<std::unique_ptr<Watcher>> retired_;
  TimePoint now_ = Clock::now();
  bool is_stopped_ = false;
};

}  // namespace herd::gateway
