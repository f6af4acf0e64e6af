#include "cli/terminal.hpp"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace herd::cli {

RawMode::~RawMode() {
  if (armed_) tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

Result<RawMode> RawMode::start() {
  RawMode mode;
  if (tcgetattr(STDIN_FILENO, &mode.before_) != 0) return fail_errno("read the terminal's settings");
  termios raw = mode.before_;
  cfmakeraw(&raw);
  if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) != 0) return fail_errno("set the terminal to raw");
  mode.armed_ = true;
  return mode;
}

Result<CommandTerminal> make_terminal() {
  CommandTerminal terminal;
  terminal.master = UniqueFd(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.master) return fail_errno("make a terminal");
  if (grantpt(terminal.master.get()) != 0 || unlockpt(terminal.master.get()) != 0)
    return fail_errno("unlock the terminal");
  // By its master, not by a name that could be another's by now (Linux 4.13).
  terminal.slave = UniqueFd(ioctl(terminal.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.slave) return fail_errno("open the terminal");
  return terminal;
}

Result<UniqueFd> watch_resizes() {
  sigset_t resize;
  sigemptyset(&resize);
  sigaddset(&resize, SIGWINCH);
  if (sigprocmask(SIG_BLOCK, &resize, nullptr) != 0) return fail_errno("block SIGWINCH");
  UniqueFd fd(signalfd(-1, &resize, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail_errno("signalfd");
  return fd;
}

void copy_size(int watch, int master) {
  signalfd_siginfo ignored{};
  while (read(watch, &ignored, sizeof ignored) > 0) {
  }
  winsize size{};
  if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) ioctl(master, TIOCSWINSZ, &size);
}

}  // namespace herd::cli
