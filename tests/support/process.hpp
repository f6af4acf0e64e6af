// A program that a test starts: waited for by its pidfd, ended with its owner.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/unique_fd.hpp"

namespace herd::test {

struct ProcessOptions {
  std::vector<std::string> environment;  // "NAME=value"; all that it gets
  std::function<void()> before_exec;     // runs in the child
  std::string output;                    // a file for stdout and stderr; "": /dev/null
  std::string errors = {};               // a file for stderr alone
};

class Process {
 public:
  Process() = default;
  /// Returns once the child runs its program.
  Process(const std::vector<std::string>& arguments, const ProcessOptions& options);
  Process(Process&&) = default;
  Process& operator=(Process&&) = default;
  ~Process();

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const UniqueFd& pidfd() const { return pidfd_; }
  /// It was started and has not been waited for.
  [[nodiscard]] bool is_started() const { return static_cast<bool>(pidfd_); }
  void signal(int number) const;
  /// The wait status, once it has ended; nothing after the deadline.
  std::optional<int> wait(std::chrono::milliseconds deadline);

 private:
  pid_t pid_ = -1;
  UniqueFd pidfd_;
};

}  // namespace herd::test
