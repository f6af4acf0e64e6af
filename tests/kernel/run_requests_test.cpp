// What a client of the run socket may send, and that nobody waits for it.
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

#include "common/kernel/seqpacket.hpp"
#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

const Json kRequest{{"pool", "a"}, {"command", {"/bin/true"}}, {"is_terminal", false}, {"terminal_type", ""}};

UniqueFd open_file(const char* path, int flags) {
  return UniqueFd(::open(path, flags | O_CLOEXEC));
}

UniqueFd connect_to_run_socket(const TestDaemon& daemon) {
  const std::string path = daemon.socket() + ".run";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("connect to " + path);
  const timeval patience{kPatience.count(), 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

class RunRequests : public DaemonTest {
 protected:
  void start() {
    start_with("a", testee_pool({"serve"}));
    daemon_.wait_until_ready("a");
  }
  /// The daemon's answer; null where it closed the connection without one.
  Json send(const std::string& text, const std::vector<int>& fds) {
    const UniqueFd connection = connect_to_run_socket(daemon_);
    if (!kernel::send_message(connection.get(), text, fds)) throw std::runtime_error("send");
    auto answer = kernel::receive_message(connection.get(), true);
    if (!answer) throw std::runtime_error("no answer: " + answer.error().message);
    return answer->text.empty() ? Json() : Json::parse(answer->text);
  }
  void expect_refused(const std::string& what, const std::string& text, const std::vector<int>& fds) {
    const Json answer = send(text, fds);
    EXPECT_EQ(answer.value("code", ""), "bad_request") << what << ": " << answer;
    EXPECT_EQ(answer.value("started", true), false) << what;
    EXPECT_NE(answer.value("message", ""), "") << what;
  }
  /// Until SIGCONT. Returns once it is so.
  void halt_daemon() {
    daemon_.signal(SIGSTOP);
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!status_of(daemon_.pid())["State"].starts_with("T"))
      if (std::chrono::steady_clock::now() > end) throw std::runtime_error("herdd does not halt");
  }
  void expect_nothing_was_started() {
    for (const Json& event : daemon_.events()) EXPECT_NE(event.at("type"), "run_started") << event;
  }
};

TEST_F(RunRequests, FilesThatAreAWayOutOfTheSandboxAreRefused) {
  start();
  const UniqueFd null = open_file("/dev/null", O_RDWR), directory = open_file("/", O_RDONLY | O_DIRECTORY),
                 path = open_file("/etc/passwd", O_PATH), terminal(::posix_openpt(O_RDWR | O_NOCTTY));
  const int good = null.get();
  for (int place = 0; place < 3; ++place) {
    for (const auto& [what, bad] : {std::pair("a directory", directory.get()),
                                    {"an O_PATH fd", path.get()},
                                    {"somebody's terminal", terminal.get()}}) {
      std::vector<int> fds{good, good, good};
      fds[static_cast<std::size_t>(place)] = bad;
      expect_refused(what, kRequest.dump(), fds);
    }
  }
  Json on_terminal = kRequest;
  on_terminal["is_terminal"] = true;
  expect_refused("no terminal", on_terminal.dump(), {good, good, good});
  expect_nothing_was_started();
  EXPECT_EQ(send(kRequest.dump(), {good, good, good}).value("exit_code", -1), 0) << "and three good ones run";
}

TEST_F(RunRequests, WhatIsNoRequestIsRefused) {
  start();
  const UniqueFd null = open_file("/dev/null", O_RDWR);
  const int fd = null.get();
  for (const std::vector<int>& fds : {std::vector<int>{}, {fd, fd}, {fd, fd, fd, fd}})
    expect_refused(std::to_string(fds.size()) + " files", kRequest.dump(), fds);
  Json no_command = kRequest, wrong_type = kRequest;
  no_command["command"] = Json::array();
  wrong_type["command"] = "/bin/true";
  for (const std::string& text :
       {std::string("garbage"), std::string("{}"), std::string("[1]"), no_command.dump(), wrong_type.dump(),
        std::string(kernel::kMaxMessage + 1, ' ')})
    expect_refused(text.substr(0, 20), text, {fd, fd, fd});
  expect_nothing_was_started();
}

/// A socket whose close(2) waits for the other end: more was sent than that takes.
struct Lingering {
  Lingering() {
    const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    near = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int small = 4096, large = 1 << 20;
    ::setsockopt(listener.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    ::setsockopt(near.get(), SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
    if (::bind(listener.get(), generic, size) != 0 || ::listen(listener.get(), 1) != 0 ||
        ::getsockname(listener.get(), generic, &size) != 0 || ::connect(near.get(), generic, size) != 0)
      throw std::runtime_error("a connection over the loopback");
    far = UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const std::string block(1 << 16, 'x');
    while (::send(near.get(), block.data(), block.size(), MSG_DONTWAIT) > 0) continue;
    const linger forever{1, 3600};
    ::setsockopt(near.get(), SOL_SOCKET, SO_LINGER, &forever, sizeof forever);
  }
  UniqueFd near, far;
};

// The daemon closed it on its one loop, and served nobody for as long as the client liked.
TEST_F(RunRequests, AFileWhoseCloseWaitsHoldsNobodyUp) {
  start();
  const int fds_before = open_fds_of(daemon_.pid());
  const UniqueFd null = open_file("/dev/null", O_RDWR);
  for (const std::vector<std::string>& messages :
       {std::vector<std::string>{"garbage"}, {"garbage", "never looked at"}, {kRequest.dump()}}) {
    Lingering socket;
    UniqueFd connection = connect_to_run_socket(daemon_);
    halt_daemon();  // or this program's close could be the last one, and wait
    for (const std::string& message : messages) {
      const std::vector<int> fds{null.get(), null.get(), socket.near.get()};
      ASSERT_TRUE(kernel::send_message(connection.get(), message, fds));
    }
    socket.near.reset();
    daemon_.signal(SIGCONT);
    if (messages.front() == "garbage")
      EXPECT_TRUE(kernel::receive_message(connection.get(), true));
    else
      daemon_.wait_for({.type = "run_started"});  // whose end may wait for the file: that is its own affair
    EXPECT_EQ(daemon_.call("GET", "/healthz").status, 200U);
    daemon_.acquire("a", "s");  // the spawner goes on too
    daemon_.remove("/v1/pools/a/sessions/s");
    socket.far.reset();
    connection.reset();
  }
  daemon_.wait_for_pool("a", [](const Json& pool) { return pool.at("workers").at("idle") == 1; });
  EXPECT_EQ(open_fds_within(daemon_.pid(), fds_before, kPatience), fds_before);
}

}  // namespace
}  // namespace herd::test
