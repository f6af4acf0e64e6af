#include "cli/terminal_relay.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>

#include "common/kernel/files.hpp"

namespace herd::cli {

TerminalRelay::Restore::~Restore() {
  if (armed) tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

TerminalRelay::~TerminalRelay() = default;

Result<TerminalRelay> TerminalRelay::start() {
  TerminalRelay relay;
  relay.master_ = UniqueFd(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!relay.master_) return fail_errno("make a terminal");
  if (grantpt(relay.master_.get()) != 0 || unlockpt(relay.master_.get()) != 0) return fail_errno("unlock the terminal");
  // By its master, not by a name that could be another's by now (Linux 4.13).
  relay.slave_ = UniqueFd(ioctl(relay.master_.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!relay.slave_) return fail_errno("open the terminal");
  sigset_t resize;
  sigemptyset(&resize);
  sigaddset(&resize, SIGWINCH);
  if (sigprocmask(SIG_BLOCK, &resize, nullptr) != 0) return fail_errno("block SIGWINCH");
  relay.resizes_ = UniqueFd(signalfd(-1, &resize, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!relay.resizes_) return fail_errno("signalfd");
  relay.copy_size();
  if (tcgetattr(STDIN_FILENO, &relay.restore_.before) != 0) return fail_errno("read the terminal's settings");
  termios raw = relay.restore_.before;
  cfmakeraw(&raw);
  if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) != 0) return fail_errno("set the terminal to raw");
  relay.restore_.armed = true;
  return relay;
}

void TerminalRelay::copy_size() {
  winsize size{};
  if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) ioctl(master_.get(), TIOCSWINSZ, &size);
}

bool TerminalRelay::copy_output() {
  std::array<char, 16384> buffer;
  const ssize_t count = read(master_.get(), buffer.data(), buffer.size());
  if (count <= 0) return count < 0 && errno == EINTR;  // EIO: nobody has the other end open any more
  return kernel::write_all(STDOUT_FILENO, {buffer.data(), static_cast<std::size_t>(count)}).has_value();
}

bool TerminalRelay::copy_input() {
  std::array<char, 4096> buffer;
  const ssize_t count = read(STDIN_FILENO, buffer.data(), buffer.size());
  if (count <= 0) return count < 0 && errno == EINTR;
  return kernel::write_all(master_.get(), {buffer.data(), static_cast<std::size_t>(count)}).has_value();
}

Status TerminalRelay::relay_until(int done) {
  while (true) {
    std::array<pollfd, 4> entries{{{done, POLLIN, 0},
                                   {master_.get(), POLLIN, 0},
                                   {has_input_ ? STDIN_FILENO : -1, POLLIN, 0},
                                   {resizes_.get(), POLLIN, 0}}};
    if (poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR) return fail_errno("poll");
    if (entries[3].revents != 0) {
      signalfd_siginfo ignored{};
      while (read(resizes_.get(), &ignored, sizeof ignored) > 0) {
      }
      copy_size();
    }
    if ((entries[1].revents & POLLIN) != 0) copy_output();
    if (entries[2].revents != 0) has_input_ = copy_input();
    if (entries[0].revents == 0) continue;
    // The command has ended, so nothing more is written: what is left is read to its end.
    pollfd left{master_.get(), POLLIN, 0};
    while (poll(&left, 1, 0) > 0 && (left.revents & POLLIN) != 0 && copy_output()) {
    }
    return {};
  }
}

}  // namespace herd::cli
