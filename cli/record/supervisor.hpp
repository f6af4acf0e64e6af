// Answers a caught command's calls, and notes them, until it and all its descendants have ended.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/record/caught_command.hpp"
#include "cli/record/recording.hpp"
#include "common/error.hpp"

namespace herd::record {

/// From the first request to end until what is left is killed.
inline constexpr std::chrono::seconds kGrace{5};
/// After that nothing runs any more: longer takes only what hangs in the kernel.
inline constexpr std::chrono::seconds kKillLimit{10};
inline constexpr std::chrono::milliseconds kProgressInterval{250};

struct Order {
  Method method = Method::notify;
  std::vector<std::string> argv;
  std::optional<std::chrono::milliseconds> timeout;  // from the program's first call on
  int out = -1;                                      // the command's stdout; -1: this process's
  std::function<void()> on_progress = nullptr;       // at most once in kProgressInterval
};

struct Outcome {
  bool has_run = false;  // its program was executed
  int exec_errno = 0;    // why not
  int wait_status = 0;   // the command's, as waitpid(2) has it
  bool timed_out = false;
  int signal = 0;          // that ended the recording
  bool left_some = false;  // processes that even SIGKILL did not end
  std::uint64_t setup_calls = 0;
  // Of a pool's sandbox:
  std::vector<std::string> command;  // what was run
  bool needs_exec = false;           // its filter is there before the program
};

/// This process must have one thread, and no children of its own: all are waited for. On SIGINT, SIGTERM,
/// SIGHUP or SIGQUIT, and when the time is over, the command is told to end, and still recorded while it
/// does; what is left after kGrace, or on a second signal, is killed. An error: nothing was run.
Result<Outcome> record_command(const Order& order, Recording& recording);

}  // namespace herd::record
