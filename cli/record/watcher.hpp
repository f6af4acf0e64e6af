// Answers and notes the calls of processes that somebody else has started and waits for: on a thread of its
// own, beside whatever copies their input and output.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <thread>

#include "cli/record/recording.hpp"
#include "common/seccomp/listener.hpp"
#include "common/unique_fd.hpp"

namespace herd::record {

class Watcher {
 public:
  struct Options {
    std::optional<std::chrono::milliseconds> timeout;  // from now on
    std::function<void()> on_timeout;                  // once, on the thread
    std::function<void()> on_progress = nullptr;       // on the thread, at most once in kProgressInterval
  };

  /// `recording` is the thread's until finish(). Throws std::system_error, as std::thread does.
  Watcher(seccomp::Listener listener, Recording& recording, Options options);
  ~Watcher() { finish(); }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  /// Calls that come later fail with ENOSYS.
  void finish();
  [[nodiscard]] bool timed_out() const { return timed_out_; }  // after finish()

 private:
  void run();
  [[nodiscard]] int wait_milliseconds() const;
  void look_at_the_time();

  seccomp::Listener listener_;
  Recording& recording_;
  Options options_;
  UniqueFd wake_;  // eventfd
  std::optional<std::chrono::steady_clock::time_point> deadline_, progress_;
  bool timed_out_ = false;
  std::thread thread_;
};

}  // namespace herd::record
