// A process that the benchmark starts, ends and reads the figures of.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::bench {

using Clock = std::chrono::steady_clock;

double microseconds(Clock::duration duration);
double milliseconds(Clock::duration duration);

/// False after the timeout.
bool wait_readable(int fd, std::chrono::milliseconds timeout);

/// A child of this process; killed and reaped with the object.
class Child {
 public:
  /// `output` becomes its stdout, `errors` its stderr; -1: this program's own.
  static Result<Child> start(const std::vector<std::string>& argv, int output, int errors);
  /// A copy of this process, which has to have one thread only, that runs `body` and exits.
  template <typename Body>
  static Result<Child> fork_off(Body&& body) {
    HERD_TRY(Child child, begin_fork());
    if (child.pid_ != 0) return child;
    body();
    leave();
  }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&&) = delete;
  ~Child();

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool is_running();
  /// Sends `signal` and waits for the end; killed after the timeout.
  void end(int signal, std::chrono::milliseconds timeout);

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  static Result<Child> begin_fork();
  [[noreturn]] static void leave();
  pid_t pid_ = -1;
};

/// "VmRSS" of /proc/PID/status, "Private_Dirty" of /proc/PID/smaps_rollup, in KiB.
Result<std::uint64_t> kib_of(pid_t pid, const std::string& file, const std::string& key);
/// What it has used of a processor so far, all threads.
Result<std::chrono::nanoseconds> cpu_time_of(pid_t pid);
Result<std::size_t> open_files_of(pid_t pid);
/// Its children that are called `comm`.
Result<std::vector<pid_t>> children_of(pid_t pid, const std::string& comm);

}  // namespace herd::bench
