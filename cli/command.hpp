// A command that runs beside a stream from the daemon, and the signals that end either.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::cli {

/// SIGINT, SIGTERM, SIGHUP and SIGQUIT as something to poll, instead of an end, while this lives.
class SignalCatcher {
 public:
  static Result<SignalCatcher> start();
  SignalCatcher(SignalCatcher&& other) noexcept
      : before_(other.before_), armed_(std::exchange(other.armed_, false)), fd_(std::move(other.fd_)) {}
  SignalCatcher& operator=(SignalCatcher&&) = delete;
  ~SignalCatcher();

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// The signal that came; 0 if none did.
  [[nodiscard]] int take();
  /// What was blocked before: a child's mask.
  [[nodiscard]] const sigset_t& before() const { return before_; }

 private:
  SignalCatcher() = default;
  sigset_t before_{};
  bool armed_ = false;
  UniqueFd fd_;
};

class Command {
 public:
  /// Looks in PATH; `environment` is added to this process's.
  static Result<Command> start(const std::vector<std::string>& argv,
                               const std::vector<std::pair<std::string, std::string>>& environment,
                               const sigset_t& signal_mask);
  [[nodiscard]] int fd() const { return pidfd_.get(); }  // readable once it has ended
  void signal(int number);
  /// Its exit code, or 128 + the signal that ended it, as a shell has it. Waits.
  int wait();

 private:
  pid_t pid_ = 0;
  UniqueFd pidfd_;
};

}  // namespace herd::cli
