// Holds a client and its servers on one processor while they take turns: where they are on two, the time to
// wake the other one, which is several times that of the work, comes and goes with the scheduler's choice.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <vector>

#include "common/error.hpp"

namespace herd::bench {

class OneProcessor {
 public:
  /// This thread, and all threads of `servers`, which stay held.
  static Result<OneProcessor> hold(const std::vector<pid_t>& servers);
  OneProcessor(OneProcessor&& other) noexcept
      : before_(other.before_), is_holder_(std::exchange(other.is_holder_, false)) {}
  OneProcessor& operator=(OneProcessor&&) = delete;
  ~OneProcessor();

 private:
  OneProcessor() = default;
  cpu_set_t before_{};
  bool is_holder_ = false;
};

}  // namespace herd::bench
