// Bounds what a thread waits for in the kernel where the call itself knows no limit.
#pragma once

#include <time.h>

#include <chrono>

namespace herd::denials {

/// While it is set, a signal that does nothing comes to the thread again and again: one that came just before
/// a wait would not end it. A wait that begins fails with EINTR within kEvery.
class Interrupter {
 public:
  static constexpr std::chrono::milliseconds kEvery{10};

  /// For the calling thread. Throws std::system_error.
  Interrupter();
  ~Interrupter();
  Interrupter(const Interrupter&) = delete;
  Interrupter& operator=(const Interrupter&) = delete;

  /// Costs nothing where it is set.
  void set() {
    if (!is_set_) turn(true);
  }
  void clear() {
    if (is_set_) turn(false);
  }

 private:
  void turn(bool on);
  timer_t timer_{};
  bool is_set_ = false;
};

}  // namespace herd::denials
