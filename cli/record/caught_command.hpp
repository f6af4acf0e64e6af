// A command whose every system call waits for an answer (seccomp_unotify(2)), and that of its descendants.
//
// By notifications: The child puts a filter on itself that returns SECCOMP_RET_USER_NOTIF for all calls,
// hands the listener over and execs. One call has to pass unasked, or nobody could ever answer: the
// sendmsg(2) that carries the listener. The filter knows it by 192 random bits in the three argument
// registers that sendmsg has no use for, so that no call of the command's can be taken for it.
//
// By tracing: each call is a stop for ptrace(2). Needed for a command that handles signals without
// SA_RESTART, as dash does with SIGCHLD: a notification that was not yet received is withdrawn when a signal
// comes, and any call, such as clone, then fails with EINTR.
#pragma once

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/seccomp/listener.hpp"
#include "common/unique_fd.hpp"

namespace herd::record {

enum class Method { notify, trace };

struct CommandOptions {
  Method method = Method::notify;
  std::vector<std::string> argv;
  sigset_t signal_mask{};
  int out = -1;  // its stdout; -1: this process's
};

class CaughtCommand {
 public:
  /// Returns with the child on its way to its exec. It has no-new-privs set, and ends with this process.
  static Result<CaughtCommand> start(const CommandOptions& options);

  /// Null with Method::trace.
  [[nodiscard]] seccomp::Listener* listener() { return listener_ ? &*listener_ : nullptr; }
  [[nodiscard]] pid_t pid() const { return pid_; }  // not to be used once it is reaped

  enum class Exec { pending, done, failed };
  /// Whether the program runs. What is asked before is set-up. The close-on-exec of the child's end is the
  /// sign, which is there before the program's first instruction (fput's task work, exec(2)).
  Exec exec();
  [[nodiscard]] int exec_errno() const { return exec_errno_; }

 private:
  CaughtCommand() = default;
  std::optional<seccomp::Listener> listener_;
  UniqueFd line_;
  pid_t pid_ = -1;
  Exec exec_ = Exec::pending;
  int exec_errno_ = 0;
};

}  // namespace herd::record
