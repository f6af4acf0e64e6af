// The socket's file: two daemons, stale sockets, modes.
#include "daemon/control/listener.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <fstream>
#include <thread>

#include "tests/unit/control/harness.hpp"

namespace herd::control {
namespace {

using testing::HasSubstr;

class Listener : public testing::Test {
 protected:
  TemporaryDirectory directory;
  const std::string path = directory / "control.sock";
};

TEST_F(Listener, HasExactlyItsModeAndGroupWhateverTheUmask) {
  const mode_t before = umask(0);
  const gid_t gid = getuid() == 0 ? 12345 : getgid();
  const auto fd = bind_unix_socket(path, 0640, gid);
  EXPECT_EQ(umask(before), 0U);
  ASSERT_TRUE(fd) << fd.error().message;
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0640U);
  EXPECT_EQ(status.st_gid, gid);
  EXPECT_FALSE(std::filesystem::exists(path + ".lock"));
}

TEST_F(Listener, IsAtNoMomentMoreOpenThanItShouldBe) {
  const mode_t before = umask(0);
  std::atomic<bool> done = false;
  std::atomic<int> sightings = 0;
  mode_t seen = 0;
  std::thread watcher([&] {
    struct stat status {};
    while (!done) {
      if (lstat(path.c_str(), &status) != 0) continue;
      seen |= status.st_mode & 07777U;
      ++sightings;
    }
  });
  for (int round = 0; round < 500 || sightings < 100; ++round) {
    EXPECT_TRUE(bind_unix_socket(path, 0640));
    std::filesystem::remove(path);
  }
  done = true;
  watcher.join();
  umask(before);
  EXPECT_EQ(seen & ~0640U, 0U) << std::oct << seen;
}

TEST_F(Listener, ASecondDaemonIsRefused) {
  const auto first = bind_unix_socket(path, 0660);
  ASSERT_TRUE(first);
  const auto second = bind_unix_socket(path, 0660);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message,
              HasSubstr("another herdd is running on " + path + "; stop it or use another control.path"));
  EXPECT_TRUE(protocol::connect_unix(path));
}

TEST_F(Listener, OneWithAFullBacklogIsRunningToo) {
  const auto first = bind_unix_socket(path, 0660);
  ASSERT_TRUE(first);
  ASSERT_EQ(listen(first->get(), 0), 0);
  std::vector<UniqueFd> waiting;
  for (;;) {
    auto fd = protocol::connect_unix(path);
    if (!fd) {
      ASSERT_EQ(fd.error().errno_value, EAGAIN);
      break;
    }
    waiting.push_back(std::move(*fd));
  }
  EXPECT_FALSE(bind_unix_socket(path, 0660));
}

TEST_F(Listener, AStaleSocketIsReplaced) {
  { const auto dead = bind_unix_socket(path, 0660); }
  ASSERT_TRUE(std::filesystem::exists(path));
  const auto fd = bind_unix_socket(path, 0660);
  ASSERT_TRUE(fd) << fd.error().message;
  EXPECT_TRUE(protocol::connect_unix(path));
}

TEST_F(Listener, WhatIsNotASocketStays) {
  std::ofstream(path) << "precious";
  const auto fd = bind_unix_socket(path, 0660);
  ASSERT_FALSE(fd);
  EXPECT_THAT(fd.error().message, HasSubstr("exists and is not a socket"));
  EXPECT_EQ(std::filesystem::file_size(path), 8U);
}

TEST_F(Listener, ImpossiblePathsAreExplained) {
  EXPECT_THAT(bind_unix_socket(directory / std::string(200, 'x'), 0660).error().message,
              HasSubstr("1 to 107"));
  EXPECT_THAT(bind_unix_socket(directory / "no/such/dir.sock", 0660).error().message,
              HasSubstr("No such file or directory"));
}

TEST_F(Listener, OfManyThatRaceOneWins) {
  for (int round = 0; round < 20; ++round) {
    if (round % 2 == 1) {
      const auto stale = bind_unix_socket(path, 0660);
    }
    std::atomic<int> winners = 0;
    std::array<Result<UniqueFd>, 8> results;
    std::vector<std::thread> racers;
    for (auto& result : results) {
      racers.emplace_back([&] {
        result = bind_unix_socket(path, 0660);
        if (result) ++winners;
      });
    }
    for (auto& racer : racers) racer.join();
    EXPECT_EQ(winners, 1) << "round " << round;
    EXPECT_TRUE(protocol::connect_unix(path));
    EXPECT_FALSE(std::filesystem::exists(path + ".lock"));
    std::filesystem::remove(path);
  }
}

TEST_F(Listener, TheEndOfOneDaemonLeavesTheNextOnesSocketAlone) {
  auto first = bind_unix_socket(path, 0660);
  ASSERT_TRUE(first);
  const SocketFile file = file_of(first->get());
  EXPECT_EQ(file.path, path);
  std::filesystem::create_hard_link(path, path + ".old");  // so that its inode is not given out again
  first->reset();
  const auto second = bind_unix_socket(path, 0660);
  ASSERT_TRUE(second);
  EXPECT_TRUE(remove_socket(file));
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(Listener, AServerTakesOnlyAListeningSocket) {
  boost::asio::io_context io;
  FakeService service;
  Server server(io, service);
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM, 0));
  const Status started = server.start(std::move(fd));
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("does not listen"));
}

}  // namespace
}  // namespace herd::control
