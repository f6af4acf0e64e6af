// A terminal made for one command: what is typed goes to it, what it shows comes here, its size follows ours.
//
// The command never gets the caller's own terminal, so it can neither read what is typed after it has ended nor push
// input into the caller's shell (TIOCSTI, TIOCLINUX).
#pragma once

#include <termios.h>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::cli {

class TerminalRelay {
 public:
  /// Makes the terminal and puts the caller's own (stdin) into raw mode, until this ends.
  static Result<TerminalRelay> start();
  TerminalRelay(TerminalRelay&& other) noexcept = default;
  TerminalRelay& operator=(TerminalRelay&&) = delete;
  ~TerminalRelay();

  /// The command's end of it; closed here by `forget_slave` once it has been handed over.
  [[nodiscard]] int slave() const { return slave_.get(); }
  void forget_slave() { slave_.reset(); }

  /// Copies both ways until `done` is readable, then what the command still had written.
  Status relay_until(int done);

 private:
  TerminalRelay() = default;
  void copy_size();
  bool copy_output();
  bool copy_input();

  UniqueFd master_, slave_, resizes_;
  bool has_input_ = true;
  struct Restore {
    termios before{};
    bool armed = false;
    Restore() = default;
    Restore(Restore&& other) noexcept : before(other.before), armed(std::exchange(other.armed, false)) {}
    ~Restore();
  } restore_;
};

}  // namespace herd::cli
