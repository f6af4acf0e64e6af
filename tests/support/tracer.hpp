// A thread and what it starts, run from one system call to the next (ptrace(2)): what a debugger does, so
// that a test can stop a start at a named place instead of a random moment.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>

namespace herd::test {

/// One that a process is about to make.
struct SystemCall {
  pid_t process = -1;
  int generation = 0;  // 1: started by the thread, 2: by one of those
  long number = -1;
  std::array<std::uint64_t, 6> arguments{};
};

class Tracer {
 public:
  using Wanted = std::function<bool(const SystemCall&)>;

  /// Follows clones that signal their end with SIGCHLD, as fork's does.
  explicit Tracer(pid_t thread);
  ~Tracer();
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  /// Until a call that is wanted, before which its process then stands. Nothing where none comes.
  std::optional<SystemCall> run_to(const Wanted& is_wanted);
  /// All run on untraced.
  void release();

 private:
  struct Tracee {
    int generation = 0;
    bool is_standing = false;  // where run_to left it
  };
  /// The next change of one of them: its pid and wait status.
  std::optional<std::pair<pid_t, int>> wait_for_change();
  void follow_child_of(pid_t process, int status);
  void resume(pid_t process, int status);
  [[nodiscard]] std::optional<SystemCall> call_at(pid_t process, int status) const;

  std::map<pid_t, Tracee> tracees_;
  sigset_t child_signal_, mask_before_;
};

}  // namespace herd::test
