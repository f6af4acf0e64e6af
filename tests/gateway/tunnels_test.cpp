// Upgraded connections.
#include <gmock/gmock.h>
#include <signal.h>

#include "tests/gateway/rig.hpp"

namespace herd::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

class GatewayTunnels : public GatewayTest {
 protected:
  void open() {
    pin();
    client.send(request("GET", "/", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n") + "early");
    EXPECT_THAT(upstream.read_head(), HasSubstr("Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    upstream.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst");
    EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
    EXPECT_EQ(client.read_exactly(5), "first");
    EXPECT_EQ(upstream.read_exactly(5), "early");
  }
};

TEST_F(GatewayTunnels, BytesPassBothWaysAsTheyCome) {
  open();
  client.send("\r\n\0ping");
  EXPECT_EQ(upstream.read_exactly(2), "\r\n");
  upstream.send("pong");
  EXPECT_EQ(client.read_exactly(4), "pong");
}

TEST_F(GatewayTunnels, EachWayHasItsOwnEnd) {
  open();
  client.send("over");
  client.end_sending();
  EXPECT_EQ(upstream.read_to_end(), "over");
  upstream.send("still here");
  upstream.close();
  EXPECT_EQ(client.read_to_end(), "still here");
}

TEST_F(GatewayTunnels, AnAnswerThatDeclinesIsAnAnswer) {
  pin();
  client.send(request("GET", "/", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  upstream.read_head();
  upstream.send(answer("no"));
  EXPECT_TRUE(client.read_message().ends_with("no"));
  client.send(request());
  upstream.read_head();
  upstream.send(answer("yes"));
  EXPECT_TRUE(client.read_message().ends_with("yes"));
}

TEST_F(GatewayTunnels, HttpTwoIsNotSmuggledIn) {
  pin();
  client.send(
      request("GET", "/", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"));
  EXPECT_THAT(upstream.read_head(), Not(HasSubstr("h2c")));
}

TEST_F(GatewayTunnels, TheSessionsEndEndsThem) {
  open();
  upstream.send("last words");
  upstream.end_sending();
  rig().end_session("a", "idle_evicted", "ended for idleness");
  EXPECT_EQ(client.read_to_end(), "last words");
  EXPECT_TRUE(upstream.is_ended());
}

TEST_F(GatewayTunnels, SigtermEndsThem) {
  open();
  rig().gateway.signal(SIGTERM);
  EXPECT_TRUE(client.is_ended());
  EXPECT_TRUE(upstream.is_ended());
  client.close();
  upstream.close();
  EXPECT_EQ(rig().gateway.wait(10s), 0);
}

TEST_F(GatewayTunnels, AnIdleOneIsEndedAndCounted) {
  settings.routes[0].tunnel_idle_timeout = 100ms;
  open();
  EXPECT_TRUE(client.is_ended());
  EXPECT_TRUE(rig().reports(
      [](const auto& statistics) { return statistics.limited.contains("tunnel_idle_timeout"); }));
}

TEST_F(GatewayTunnels, AnIdleOneCostsLittle) {
  constexpr std::size_t kTunnels = 200, kMostOfOne = 16;  // KiB
  pin();
  std::vector<Peer> clients, workers;
  const auto add = [&] {
    clients.push_back(rig().connect());
    clients.back().send(request("GET", "/", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    workers.push_back(clients.size() == 1 ? std::move(upstream) : worker->accept());
    workers.back().read_head();
    workers.back().send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    clients.back().read_head();
  };
  add();
  const auto before = rig().resident();
  while (clients.size() <= kTunnels) add();
  EXPECT_LE(rig().resident() - before, kTunnels * kMostOfOne);
  EXPECT_TRUE(rig().reports([&](const auto& statistics) {
    return statistics.pools.contains("web") && statistics.pools.at("web").tunnels == kTunnels + 1;
  }));
}

}  // namespace
}  // namespace herd::test
