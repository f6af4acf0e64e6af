// A terminal made for one command, whose size follows the caller's.
//
// The command never gets the caller's own terminal, so it can neither read what is typed after it has ended
// nor push input into the caller's shell (TIOCSTI, TIOCLINUX).
#pragma once

#include <termios.h>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::cli {

/// The caller's terminal (stdin) in raw mode, until this ends.
class RawMode {
 public:
  static Result<RawMode> start();
  RawMode(RawMode&& other) noexcept : before_(other.before_), armed_(std::exchange(other.armed_, false)) {}
  RawMode& operator=(RawMode&&) = delete;
  ~RawMode();

 private:
  RawMode() = default;
  termios before_{};
  bool armed_ = false;
};

struct CommandTerminal {
  UniqueFd master, slave;
};
Result<CommandTerminal> make_terminal();
/// SIGWINCH as something to poll.
Result<UniqueFd> watch_resizes();
/// Empties `watch`, and gives the terminal behind `master` the size that the caller's has.
void copy_size(int watch, int master);

}  // namespace herd::cli
