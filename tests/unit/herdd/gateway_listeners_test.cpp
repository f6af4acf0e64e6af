// The gateway's listeners: had before they are used, kept while they stay, gone with the last who wants them.
#include "daemon/herdd/gateway_listeners.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "daemon/worker/listener.hpp"
#include "protocol/control/unix_socket.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::daemon {
namespace {

class Listeners : public testing::Test {
 protected:
  std::string path() const { return directory_.path() + "/door"; }
  test::TemporaryDirectory directory_;
  GatewayListeners listeners_;
};

std::string free_port() {
  return "127.0.0.1:" + std::to_string(worker::pick_port({}).value());
}

TEST_F(Listeners, APortAndASocketAreOpenToAll) {
  const std::string port = free_port();
  auto sockets = listeners_.open({port, "unix:" + path()});
  ASSERT_TRUE(sockets) << sockets.error().message;
  EXPECT_EQ(bound_address(sockets->at(port)->get()), "tcp:" + port);
  EXPECT_EQ(bound_address(sockets->at("unix:" + path())->get()), "unix:" + path());
  struct stat file {};
  ASSERT_EQ(stat(path().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0666u);
  EXPECT_TRUE(protocol::connect_unix(path()));
  listeners_.adopt(std::move(*sockets));
}

TEST_F(Listeners, OneThatStaysIsTheSameSocket) {
  const std::string port = free_port();
  listeners_.adopt(listeners_.open({port}).value());
  const auto again = listeners_.open({port, "unix:" + path()});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->at(port), listeners_.sockets().at(port));
}

TEST_F(Listeners, TheFileOfOneThatGoesIsRemoved) {
  listeners_.adopt(listeners_.open({"unix:" + path()}).value());
  ASSERT_TRUE(std::filesystem::exists(path()));
  listeners_.adopt({});
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(Listeners, OneThatCantBeHadIsNamedAndNothingIsChanged) {
  const std::string port = free_port();
  listeners_.adopt(listeners_.open({port}).value());
  GatewayListeners others;
  const auto taken = others.open({port});
  ASSERT_FALSE(taken);
  EXPECT_NE(taken.error().message.find("gateway.listen '" + port + "': bind: Address already in use"),
            std::string::npos)
      << taken.error().message;
  EXPECT_FALSE(listeners_.open({port, "no-such-host.invalid:80"}));
  EXPECT_EQ(listeners_.sockets().size(), 1u);
}

TEST_F(Listeners, AFileThatIsNoSocketStays) {
  directory_.write("door", "mine");
  const auto opened = listeners_.open({"unix:" + path()});
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("use another gateway.listen"), std::string::npos)
      << opened.error().message;
  EXPECT_EQ(test::text_of(path()), "mine");
}

}  // namespace
}  // namespace herd::daemon
