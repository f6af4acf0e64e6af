#include <fcntl.h>
#include <gtest/gtest.h>
#include <herd/worker.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "tests/unit/sdk/support.hpp"

namespace herd::sdk_test {
namespace {

enum class Socket { listening, not_listening };

/// A socket of the family at fd 3 (the kernel picks a name), and the variables that say so.
void pass_socket(int family, Socket kind) {
  const int fd = ::socket(family, SOCK_STREAM, 0);
  sockaddr_storage address{};
  address.ss_family = static_cast<sa_family_t>(family);
  ::bind(fd, reinterpret_cast<const sockaddr*>(&address),
         family == AF_UNIX ? sizeof(sa_family_t) : sizeof(sockaddr_in));
  if (kind == Socket::listening) ::listen(fd, 4);
  if (fd != 3) ::dup2(fd, 3);
  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
}

std::string take() {
  const int result = herd_listen_fd();
  return result < 0 ? std::to_string(result) + " " + herd_last_error() : std::to_string(result);
}

class Listen : public ::testing::Test {
 protected:
  void SetUp() override { clear_environment(); }
};

TEST_F(Listen, TakesAListenerOfEitherFamilyAndClosesItOnExec) {
  for (const int family : {AF_UNIX, AF_INET}) {
    EXPECT_EQ(in_child([family] {
                pass_socket(family, Socket::listening);
                ::fcntl(3, F_SETFD, 0);
                const std::string taken = take();
                return taken + ((::fcntl(3, F_GETFD) & FD_CLOEXEC) != 0 ? " cloexec" : " inherited");
              }),
              "3 cloexec");
  }
}

TEST_F(Listen, WithoutOneItSaysSo) {
  const std::string none = std::to_string(-ENOENT) + " listener: none was passed (LISTEN_FDS, LISTEN_PID)";
  EXPECT_EQ(take(), none);
  for (const char* missing : {"LISTEN_FDS", "LISTEN_PID"}) {
    EXPECT_EQ(in_child([missing] {
                pass_socket(AF_UNIX, Socket::listening);
                ::unsetenv(missing);
                return take();
              }),
              none);
  }
}

TEST_F(Listen, AnotherProcessesListenerIsNotTaken) {
  for (const std::string& pid : {std::string("1"), std::string(""), std::string("-1"), std::string("x")}) {
    EXPECT_EQ(in_child([pid] {
                pass_socket(AF_UNIX, Socket::listening);
                ::setenv("LISTEN_PID", pid.c_str(), 1);
                const int result = herd_listen_fd();
                return std::to_string(result);
              }),
              std::to_string(-ENOENT));
  }
}

TEST_F(Listen, TheCountIsANumberAboveZero) {
  for (const std::string& count : {std::string("0"), std::string(""), std::string("-1"), std::string("1x")}) {
    EXPECT_EQ(in_child([count] {
                pass_socket(AF_UNIX, Socket::listening);
                ::setenv("LISTEN_FDS", count.c_str(), 1);
                return take();
              }),
              std::to_string(-EINVAL) + " listener: LISTEN_FDS is '" + count + "', not a number above 0");
  }
}

TEST_F(Listen, Fd3MustBeAListeningSocket) {
  EXPECT_EQ(in_child([] {
              pass_socket(AF_UNIX, Socket::not_listening);
              return take();
            }),
            std::to_string(-EINVAL) + " listener: fd 3 is a socket that does not listen");
  EXPECT_EQ(in_child([] {
              pass_socket(AF_UNIX, Socket::listening);
              ::dup2(::open("/dev/null", O_RDONLY), 3);
              return std::to_string(herd_listen_fd());
            }),
            std::to_string(-ENOTSOCK));
  EXPECT_EQ(in_child([] {
              pass_socket(AF_UNIX, Socket::listening);
              ::close(3);
              return std::to_string(herd_listen_fd());
            }),
            std::to_string(-EBADF));
}

}  // namespace
}  // namespace herd::sdk_test
