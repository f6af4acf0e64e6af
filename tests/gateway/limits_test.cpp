// Everything that a limit ends, and that it is counted by its name.
#include <gmock/gmock.h>

#include "tests/gateway/rig.hpp"

namespace herd::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

class GatewayLimits : public GatewayTest {
 protected:
  bool is_counted(const char* limit) {
    return rig().reports([&](const auto& statistics) { return statistics.limited.contains(limit); });
  }
};

TEST_F(GatewayLimits, SlowHeads) {
  settings.limits.header_timeout = 100ms;
  client = rig().connect();
  client.send("GET / HTTP/1.1\r\n");
  EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 408 "));
  EXPECT_TRUE(is_counted("header_timeout"));
}

TEST_F(GatewayLimits, ClientsThatSayNothing) {
  settings.limits.header_timeout = 100ms;
  client = rig().connect();
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(GatewayLimits, IdleConnections) {
  settings.limits.keep_alive_timeout = 100ms;
  pin();
  EXPECT_TRUE(client.is_ended());
  EXPECT_TRUE(is_counted("keep_alive_timeout"));
}

TEST_F(GatewayLimits, SlowBodies) {
  settings.limits.body_timeout = 100ms;
  pin();
  client.send(request("POST", "/", "Content-Length: 5\r\n") + "abc");
  EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 408 "));
  EXPECT_TRUE(is_counted("body_timeout"));
}

TEST_F(GatewayLimits, ClientsThatDoNotReadTheirAnswer) {
  settings.limits.body_timeout = 100ms;
  pin();
  client.send(request());
  upstream.read_head();
  upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
  upstream.fill('x', 1'000'000'000);
  EXPECT_TRUE(is_counted("body_timeout"));
}

TEST_F(GatewayLimits, AQuietStreamIsNotASlowOne) {
  settings.limits.body_timeout = 100ms;
  settings.limits.keep_alive_timeout = 100ms;
  pin();
  client.send(request());
  upstream.read_head();
  upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.read_head();
  EXPECT_FALSE(client.has_news(400));
  upstream.send("1\r\nx\r\n");
  EXPECT_EQ(client.read_exactly(6), "1\r\nx\r\n");
}

TEST_F(GatewayLimits, RequestsThatTakeTooLong) {
  settings.routes[0].request_timeout = 100ms;
  pin();
  client.send(request());
  upstream.read_head();
  EXPECT_THAT(client.read_message(), HasSubstr(R"("code":"request_timeout")"));
  EXPECT_TRUE(upstream.is_ended());
  EXPECT_TRUE(is_counted("request_timeout"));
}

TEST_F(GatewayLimits, LargeHeads) {
  settings.limits.header_bytes = 1000;
  client = rig().connect();
  client.send("GET / HTTP/1.1\r\nX: " + std::string(1000, 'x'));
  EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 431 "));
  EXPECT_TRUE(is_counted("header_bytes"));
}

TEST_F(GatewayLimits, HeadsLargerThanABufferPassWhereTheyMay) {
  settings.limits.header_bytes = 100'000;
  pin();
  client.send(request("GET", "/", "X-Large: " + std::string(90'000, 'x') + "\r\n"));
  EXPECT_THAT(upstream.read_head(), HasSubstr(std::string(90'000, 'x')));
  upstream.send(answer("", "X-Large: " + std::string(90'000, 'y') + "\r\n"));
  EXPECT_THAT(client.read_head(), HasSubstr(std::string(90'000, 'y')));
}

TEST_F(GatewayLimits, ManyFields) {
  settings.limits.headers = 3;
  client = rig().connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 1\r\nC: 1\r\n\r\n");
  EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 431 "));
  EXPECT_TRUE(is_counted("headers"));
}

TEST_F(GatewayLimits, ConnectionsOfAnAddress) {
  settings.limits.connections_of_address = 1;
  pin();
  Peer second = rig().connect();
  EXPECT_THAT(second.read_to_end(), HasSubstr(R"("code":"too_many_connections")"));
  EXPECT_TRUE(is_counted("connections_of_address"));
}

TEST_F(GatewayLimits, Connections) {
  settings.limits.connections = 1;
  pin();
  Peer second = rig().connect();
  EXPECT_THAT(second.read_to_end(), StartsWith("HTTP/1.1 503 "));
  EXPECT_TRUE(is_counted("connections"));
}

TEST_F(GatewayLimits, LimitsChangeWithTheSettings) {
  pin();
  settings.limits.header_bytes = 64;
  rig().configure(settings);
  // The new ones hold once the gateway has read them; a question that comes behind shows that.
  for (int i = 0; i < 1000; ++i) {
    client = rig().connect();
    client.send(request("GET", "/", "X: 0123456789012345678901234567890123456789\r\n"));
    if (client.has_news(20)) break;
    if (upstream.has_news(20)) upstream.read_head(), upstream.send(answer("x"));
    client.read_message();
  }
  EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 431 "));
}

}  // namespace
}  // namespace herd::test
