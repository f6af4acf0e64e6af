#include "daemon/worker/listener.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <thread>

#include "tests/support/temporary_directory.hpp"
#include "tests/unit/worker/fake_cgroup.hpp"

namespace herd::worker {
namespace {

constexpr std::size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path) - 1;

bool connects(const std::string& path, int type) {
  const UniqueFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

class UnixListener : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  [[nodiscard]] Result<Listener> listen(const std::string& name, int type = SOCK_STREAM) const {
    return listen_unix(path(name), {.mode = 0660, .group = getegid()}, type);
  }
  test::TemporaryDirectory directory_;
};

TEST_F(UnixListener, IsConnectedToByItsAddress) {
  const auto listener = listen("a.sock");
  ASSERT_TRUE(listener) << listener.error().message;
  EXPECT_EQ(listener->address, "unix:" + path("a.sock"));
  EXPECT_TRUE(connects(path("a.sock"), SOCK_STREAM));
}

TEST_F(UnixListener, KeepsMessagesWhereThatIsWanted) {
  const auto listener = listen("a.sock", SOCK_SEQPACKET);
  ASSERT_TRUE(listener) << listener.error().message;
  EXPECT_TRUE(connects(path("a.sock"), SOCK_SEQPACKET));
  EXPECT_FALSE(connects(path("a.sock"), SOCK_STREAM));
}

TEST_F(UnixListener, IsAtNoMomentMoreOpenThanItShouldBe) {
  const mode_t before = umask(0);
  std::atomic<bool> done = false;
  std::atomic<int> sightings = 0;
  mode_t seen = 0;
  std::thread watcher([&, file = path("a.sock")] {
    struct stat info {};
    while (!done) {
      if (lstat(file.c_str(), &info) != 0) continue;
      seen |= info.st_mode & 07777U;
      ++sightings;
    }
  });
  for (int round = 0; round < 500 || sightings < 100; ++round) EXPECT_TRUE(listen("a.sock"));
  done = true;
  watcher.join();
  umask(before);
  EXPECT_EQ(seen & ~0660U, 0U) << std::oct << seen;
}

TEST_F(UnixListener, HasExactlyItsModeAndGroupWhateverTheUmask) {
  for (const mode_t mask : {0000, 0077}) {
    const mode_t before = umask(mask);
    const auto listener = listen("a.sock");
    umask(before);
    ASSERT_TRUE(listener) << listener.error().message;
    struct stat info {};
    ASSERT_EQ(stat(path("a.sock").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0660U) << mask;
    EXPECT_EQ(info.st_gid, getegid());
  }
}

TEST_F(UnixListener, ReplacesAStaleSocketAndAStaleFile) {
  ASSERT_TRUE(listen("a.sock"));  // closed at once: nobody listens there any more
  EXPECT_FALSE(connects(path("a.sock"), SOCK_STREAM));
  const auto again = listen("a.sock");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(connects(path("a.sock"), SOCK_STREAM));
  directory_.write("b.sock", "left over");
  const auto over_file = listen("b.sock");
  ASSERT_TRUE(over_file) << over_file.error().message;
  EXPECT_TRUE(connects(path("b.sock"), SOCK_STREAM));
}

TEST_F(UnixListener, ReplacesASymbolicLinkAndNotWhatItPointsTo) {
  directory_.write("victim", "untouched");
  ASSERT_EQ(symlink(path("victim").c_str(), path("a.sock").c_str()), 0);
  ASSERT_TRUE(listen("a.sock"));
  EXPECT_EQ(test::text_of(path("victim")), "untouched");
}

TEST_F(UnixListener, ADirectoryInItsPlaceIsAnError) {
  std::filesystem::create_directory(path("a.sock"));
  const auto listener = listen("a.sock");
  ASSERT_FALSE(listener);
  EXPECT_TRUE(listener.error().message.starts_with("remove '" + path("a.sock") + "': "))
      << listener.error().message;
}

TEST_F(UnixListener, APathAtTheBoundWorksAndOnePastIsAnError) {
  const std::string name(kMaxSocketPath - path("").size(), 's');
  ASSERT_EQ(path(name).size(), kMaxSocketPath);
  const auto at = listen(name);
  ASSERT_TRUE(at) << at.error().message;
  EXPECT_TRUE(connects(path(name), SOCK_STREAM));
  const auto past = listen(name + "s");
  ASSERT_FALSE(past);
  EXPECT_EQ(past.error().errno_value, ENAMETOOLONG);
  EXPECT_NE(past.error().message.find("runtime_directory"), std::string::npos) << "what to change";
}

/// The port of a listener's address.
std::uint16_t port_of(const Listener& listener) {
  return static_cast<std::uint16_t>(std::stoul(listener.address.substr(listener.address.rfind(':') + 1)));
}

TEST(TcpListener, ListensOnLoopbackAlone) {
  const auto listener = listen_tcp();
  ASSERT_TRUE(listener) << listener.error().message;
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ASSERT_EQ(getsockname(listener->fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  EXPECT_EQ(address.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
  EXPECT_EQ(listener->address, "tcp:127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
}

TEST(PickPort, GivesAFreeOneThatNobodyWasGiven) {
  std::set<std::uint16_t> given;
  for (int i = 0; i < 32; ++i) {
    const auto port = pick_port(given);
    ASSERT_TRUE(port) << port.error().message;
    EXPECT_GT(*port, 0);
    EXPECT_TRUE(given.insert(*port).second) << *port << " was given twice";
  }
}

TEST(PickPort, WithoutAFreeOneIsAnErrorAndNoEndlessSearch) {
  std::set<std::uint16_t> all;
  for (int port = 0; port <= 65535; ++port) all.insert(static_cast<std::uint16_t>(port));
  const auto port = pick_port(all);
  ASSERT_FALSE(port);
  EXPECT_EQ(port.error().message, "no free port on 127.0.0.1");
}

class PortOwner : public FakeCgroup {};

TEST_F(PortOwner, IsTheProcessThatHoldsTheListener) {
  const auto listener = listen_tcp();
  ASSERT_TRUE(listener) << listener.error().message;
  const auto owns = is_listener_of(cgroup_of(std::to_string(getpid()) + "\n"), getpid(), port_of(*listener));
  ASSERT_TRUE(owns) << owns.error().message;
  EXPECT_TRUE(*owns);
}

// Pitfall 52: somebody else was faster and listens on the port that the worker was given.
TEST_F(PortOwner, IsNotAWorkerWhosePortAnotherProcessTook) {
  const auto listener = listen_tcp();
  ASSERT_TRUE(listener) << listener.error().message;
  EXPECT_FALSE(is_listener_of(cgroup_of("1\n"), getpid(), port_of(*listener)).value_or(true));
  EXPECT_FALSE(is_listener_of(cgroup_of(""), getpid(), port_of(*listener)).value_or(true));
}

TEST_F(PortOwner, IsNobodyWhereNothingListens) {
  const auto other = listen_tcp();
  ASSERT_TRUE(other) << other.error().message;
  const auto port = pick_port({});
  ASSERT_TRUE(port) << port.error().message;
  EXPECT_FALSE(is_listener_of(cgroup_of(std::to_string(getpid()) + "\n"), getpid(), *port).value_or(true));
}

TEST_F(PortOwner, ASocketThatOnlyIsBoundDoesNotListen) {
  const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto cgroup = cgroup_of(std::to_string(getpid()) + "\n");
  EXPECT_FALSE(is_listener_of(cgroup, getpid(), ntohs(address.sin_port)).value_or(true));
}

TEST_F(PortOwner, OfAProcessThatIsGoneCanNotBeTold) {
  EXPECT_FALSE(is_listener_of(cgroup_of(""), -1, 80)) << "an error, neither yes nor no";
}

}  // namespace
}  // namespace herd::worker
