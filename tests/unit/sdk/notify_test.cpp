#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <herd/worker.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "tests/unit/sdk/support.hpp"

namespace herd::sdk_test {
namespace {

/// The daemon's end: a datagram socket, bound as NOTIFY_SOCKET names it.
class Receiver {
 public:
  explicit Receiver(const std::string& name) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = offsetof(sockaddr_un, sun_path) + name.size() + (name[0] == '@' ? 0 : 1);
    bound_ = ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size)) == 0;
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  ~Receiver() { ::close(fd_); }

  [[nodiscard]] bool bound() const { return bound_; }
  /// The next datagram, "(none)" where none waits.
  [[nodiscard]] std::string next() const {
    char text[4096];
    const ssize_t size = ::recv(fd_, text, sizeof text, 0);
    return size < 0 ? "(none)" : std::string(text, static_cast<std::size_t>(size));
  }

 private:
  int fd_;
  bool bound_ = false;
};

class Notify : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_environment();
    char directory[] = "/tmp/herd-notify-XXXXXX";
    directory_ = ::mkdtemp(directory);
  }
  void TearDown() override {
    clear_environment();
    std::filesystem::remove_all(directory_);
  }
  std::string directory_;
};

TEST_F(Notify, WithoutASocketThereIsNothingToDo) {
  EXPECT_EQ(herd_notify_ready(), 1);
  ::setenv("NOTIFY_SOCKET", "", 1);
  EXPECT_EQ(herd_notify_ready(), 1);
}

TEST_F(Notify, SendsOneDatagramAMessage) {
  for (const std::string& name : {directory_ + "/notify", "@herd-notify-" + std::to_string(::getpid())}) {
    const Receiver receiver(name);
    ASSERT_TRUE(receiver.bound()) << name;
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    EXPECT_EQ(herd_notify_status("loading, 40 %"), 0) << herd_last_error();
    EXPECT_EQ(herd_notify_ready(), 0);
    EXPECT_EQ(herd_notify_stopping(), 0);
    EXPECT_EQ(receiver.next(), "STATUS=loading, 40 %");
    EXPECT_EQ(receiver.next(), "READY=1");
    EXPECT_EQ(receiver.next(), "STOPPING=1");
    EXPECT_EQ(receiver.next(), "(none)");
  }
}

TEST_F(Notify, AStatusCannotSmuggleAnotherField) {
  const std::string name = directory_ + "/notify";
  const Receiver receiver(name);
  ASSERT_TRUE(receiver.bound());
  ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  EXPECT_EQ(herd_notify_status("x\nREADY=1"), -EINVAL);
  EXPECT_STREQ(herd_last_error(), "notify: a status text is one line");
  EXPECT_EQ(herd_notify_status(nullptr), -EINVAL);
  EXPECT_EQ(receiver.next(), "(none)");
}

TEST_F(Notify, AStatusIsBounded) {
  const std::string name = directory_ + "/notify";
  const Receiver receiver(name);
  ASSERT_TRUE(receiver.bound());
  ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  EXPECT_EQ(herd_notify_status(std::string(1025, 'x').c_str()), -E2BIG);
  EXPECT_EQ(herd_notify_status(std::string(1024, 'x').c_str()), 0);
  EXPECT_EQ(receiver.next(), "STATUS=" + std::string(1024, 'x'));
}

TEST_F(Notify, OnlyPathsAndAbstractNamesAreTaken) {
  for (const char* name : {"relative/path", "@", "/", "vsock:2:1234"}) {
    ::setenv("NOTIFY_SOCKET", name, 1);
    EXPECT_EQ(herd_notify_ready(), -EINVAL) << name;
  }
  EXPECT_STREQ(herd_last_error(), "notify: NOTIFY_SOCKET is 'vsock:2:1234', neither a path nor @abstract");
}

TEST_F(Notify, ANameIsAsLongAsASocketsNameCanBe) {
  const std::string longest = directory_ + "/" + std::string(107 - directory_.size() - 1, 'n');
  const Receiver receiver(longest);
  ASSERT_TRUE(receiver.bound());
  ::setenv("NOTIFY_SOCKET", longest.c_str(), 1);
  EXPECT_EQ(herd_notify_ready(), 0) << herd_last_error();
  EXPECT_EQ(receiver.next(), "READY=1");
  ::setenv("NOTIFY_SOCKET", (longest + "n").c_str(), 1);
  EXPECT_EQ(herd_notify_ready(), -ENAMETOOLONG);
}

TEST_F(Notify, NobodyListeningIsAnError) {
  ::setenv("NOTIFY_SOCKET", (directory_ + "/gone").c_str(), 1);
  EXPECT_EQ(herd_notify_ready(), -ENOENT);
  EXPECT_THAT(herd_last_error(), ::testing::HasSubstr("/gone': No such file or directory"));
}

}  // namespace
}  // namespace herd::sdk_test
