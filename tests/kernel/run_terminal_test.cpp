// `herdctl run` on a terminal: the test is the terminal's other side.
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <stdexcept>

#include "tests/support/daemon_test.hpp"
#include "tests/support/herdctl.hpp"

namespace herd::test {
namespace {

constexpr const char* kCtrlC = "\x03";

class Terminal {
 public:
  Terminal() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    if (::unlockpt(master_.get()) != 0) throw std::runtime_error("posix_openpt");
    slave_ = UniqueFd(::ioctl(master_.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  }
  /// In the child that is to live on it.
  void become_controlling() const {
    ::setsid();
    ::ioctl(slave_.get(), TIOCSCTTY, 0);
    for (const int number : {0, 1, 2}) ::dup2(slave_.get(), number);
  }
  void resize(unsigned short rows, unsigned short columns) const {
    const winsize size{rows, columns, 0, 0};
    ::ioctl(master_.get(), TIOCSWINSZ, &size);
  }
  void type(const std::string& keys) const {
    if (::write(master_.get(), keys.data(), keys.size()) < 0) throw std::runtime_error("write to a terminal");
  }
  /// All that is shown until `mark` is.
  std::string read_until(const std::string& mark) {
    std::string shown;
    while (shown.find(mark) == std::string::npos) {
      pollfd entry{master_.get(), POLLIN, 0};
      char block[4096];
      const bool is_there = ::poll(&entry, 1, static_cast<int>(milliseconds(kPatience).count())) == 1;
      const ssize_t count = is_there ? ::read(master_.get(), block, sizeof block) : -1;
      if (count <= 0) throw std::runtime_error("'" + mark + "' was not shown, but: " + shown);
      shown.append(block, static_cast<std::size_t>(count));
    }
    return shown;
  }
  [[nodiscard]] termios settings() const {
    termios settings{};
    ::tcgetattr(slave_.get(), &settings);
    return settings;
  }

 private:
  using milliseconds = std::chrono::milliseconds;
  UniqueFd master_, slave_;
};

class RunOnATerminal : public DaemonTest {
 protected:
  Process start(const std::string& script) {
    start_with("a", testee_pool({"serve"}));
    return herdctl_.start({"run", "a", "--", "/bin/sh", "-c", script},
                          [this] { terminal_.become_controlling(); });
  }
  Terminal terminal_;
  Herdctl herdctl_{daemon_.socket()};
};

TEST_F(RunOnATerminal, ItsSizeFollowsTheCallers) {
  terminal_.resize(24, 80);
  Process process =
      start("stty size; until [ \"$(stty size)\" = '40 100' ]; do :; done; echo resized; exit 5");
  terminal_.read_until("24 80\r\n");
  terminal_.resize(40, 100);
  terminal_.read_until("resized\r\n");
  EXPECT_EQ(herdctl_.end_of(process).code, 5);
}

TEST_F(RunOnATerminal, WhatIsTypedReachesTheCommandOnATerminalOfItsOwn) {
  Process process = start("test -t 0 && test -t 1 && test -t 2 && echo $TERM; read word; echo got-$word");
  terminal_.read_until("xterm\r\n");
  terminal_.type("hello\r");
  terminal_.read_until("got-hello\r\n");
  EXPECT_EQ(herdctl_.end_of(process).code, 0);
}

TEST_F(RunOnATerminal, CtrlCReachesTheCommandAndNotHerdctl) {
  // dash waits for a child with a check of its traps that no signal can slip past, and for `cat` with none.
  Process process = start("trap 'echo caught; exit 9' INT; echo ready; sleep 1000 & wait");
  terminal_.read_until("ready\r\n");
  terminal_.type(kCtrlC);
  terminal_.read_until("caught\r\n");
  EXPECT_EQ(herdctl_.end_of(process).code, 9);
}

TEST_F(RunOnATerminal, ItsSettingsAreBackAtTheEnd) {
  const termios before = terminal_.settings();
  Process process = start("echo ready; read word");
  terminal_.read_until("ready\r\n");
  EXPECT_EQ(terminal_.settings().c_lflag & (ICANON | ECHO | ISIG), 0U) << "raw meanwhile";
  terminal_.type("\r");
  EXPECT_EQ(herdctl_.end_of(process).code, 0);
  const termios after = terminal_.settings();
  EXPECT_EQ(after.c_iflag, before.c_iflag);
  EXPECT_EQ(after.c_oflag, before.c_oflag);
  EXPECT_EQ(after.c_cflag, before.c_cflag);
  EXPECT_EQ(after.c_lflag, before.c_lflag);
}

}  // namespace
}  // namespace herd::test
