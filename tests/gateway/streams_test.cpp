// Large bodies: as fast as the slower end takes them, in little memory. And sessions that rest.
#include <gmock/gmock.h>
#include <signal.h>

#include <thread>

#include "tests/gateway/rig.hpp"

namespace herd::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kLarge = 1ULL << 30;
constexpr std::uint64_t kMostMemory = 16U
                                      << 10;  // KiB; with sanitizers 10 MiB are there before the first byte

TEST_F(GatewayTest, ALargeAnswerNeedsNoMemory) {
  pin();
  client.send(request());
  upstream.read_head();
  std::jthread sender([&] {
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kLarge) + "\r\n\r\n");
    for (std::uint64_t sent = 0; sent < kLarge;) sent += upstream.fill('x', kLarge - sent);
  });
  client.read_head();
  EXPECT_TRUE(client.read_body_of('x', kLarge / 2));
  EXPECT_LE(rig().resident(), kMostMemory);
  EXPECT_TRUE(client.read_body_of('x', kLarge / 2));
}

TEST_F(GatewayTest, ALargeRequestNeedsNoMemory) {
  pin();
  std::jthread sender([&] {
    client.send(request("PUT", "/", "Content-Length: " + std::to_string(kLarge) + "\r\n"));
    for (std::uint64_t sent = 0; sent < kLarge;) sent += client.fill('y', kLarge - sent);
  });
  upstream.read_head();
  EXPECT_TRUE(upstream.read_body_of('y', kLarge));
  EXPECT_LE(rig().resident(), kMostMemory);
  upstream.send(answer("ok"));
  EXPECT_TRUE(client.read_message().ends_with("ok"));
}

TEST_F(GatewayTest, WhatOneEndDoesNotTakeTheOtherOneKeeps) {
  constexpr std::uint64_t kMuch = 512U << 20;
  pin();
  client.send(request());
  upstream.read_head();
  upstream.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kMuch) + "\r\n\r\n");
  const std::uint64_t taken = upstream.fill('z', kMuch);
  EXPECT_LT(taken, 64U << 20);  // what the sockets hold
  EXPECT_LE(rig().resident(), kMostMemory);
  std::jthread sender([&] {
    for (std::uint64_t sent = taken; sent < kMuch;) sent += upstream.fill('z', kMuch - sent);
  });
  client.read_head();
  EXPECT_TRUE(client.read_body_of('z', kMuch));
}

TEST_F(GatewayTest, ASessionRestsAfterItsHoldAndIsBusyAgainWithTheNextRequest) {
  settings.routes[0].hold = 100ms;
  pin();
  const auto idle = rig().expect<gateway::Idle>();
  EXPECT_EQ(idle.session, "a");
  EXPECT_EQ(idle.worker, "web-1");
  EXPECT_GE(idle.ago, 100ms);
  client.send(request());
  EXPECT_EQ(rig().expect<gateway::Busy>().session, "a");
  upstream.read_head();
  upstream.send(answer("x"));
  EXPECT_TRUE(client.read_message().ends_with("x"));
}

TEST_F(GatewayTest, AnOpenTunnelDoesNotRest) {
  settings.routes[0].hold = 100ms;
  pin();
  client.send(request("GET", "/", "Connection: Upgrade\r\nUpgrade: x\r\n"));
  upstream.read_head();
  upstream.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
  client.read_head();
  EXPECT_FALSE(rig().has_message(400));
  client.close();
  EXPECT_TRUE(upstream.is_ended());
  upstream.close();
  EXPECT_EQ(rig().expect<gateway::Idle>().session, "a");
}

TEST_F(GatewayTest, ThreadsShareASession) {
  settings.threads = 4;
  settings.routes[0].hold = 100ms;
  worker = rig().make_worker();
  std::vector<Peer> clients;
  for (int i = 0; i < 16; ++i) {
    clients.push_back(rig().connect());
    clients.back().send(request());
  }
  rig().grant(*worker);
  for (int i = 0; i < 16; ++i) {
    Peer connection = worker->accept();
    connection.read_head();
    connection.send(answer("x", "Connection: close\r\n"));
  }
  for (Peer& one : clients) EXPECT_TRUE(one.read_message().ends_with("x"));
  EXPECT_EQ(rig().expect<gateway::Idle>().session, "a");
  // The sanitizers say what they have found with the exit status.
  clients.clear();
  rig().gateway.signal(SIGTERM);
  EXPECT_EQ(rig().gateway.wait(10s), 0);
}

TEST_F(GatewayTest, WhatWasDoneIsReported) {
  pin();
  client.send(request("POST", "/", "", "12345"));
  upstream.read_message();
  upstream.send(answer("123"));
  client.read_message();
  EXPECT_TRUE(rig().reports([](const gateway::Statistics& statistics) {
    const auto found = statistics.pools.find("web");
    if (found == statistics.pools.end() || found->second.answers != std::map<int, std::uint64_t>{{200, 2}})
      return false;
    const auto& pool = found->second;
    return pool.bytes_in == 5 && pool.bytes_out == 8 && pool.connects == 1 && statistics.accepted == 1 &&
           statistics.connections == 1;
  }));
}

}  // namespace
}  // namespace herd::test
