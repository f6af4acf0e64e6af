// The connection itself: keep-alive, bounds, slow and vanishing clients, the server's stop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/control/harness.hpp"

namespace herd::control {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

TEST(Connections, KeepAliveServesManyRequests) {
  Harness harness;
  RawClient client(harness.path);
  for (int i = 0; i < 50; ++i) {
    const std::string answer = client.ask("GET", "/v1/status");
    ASSERT_EQ(status_of(answer), 200);
    EXPECT_THAT(answer, Not(HasSubstr("Connection: close")));
  }
}

TEST(Connections, PipelinedRequestsAreAnsweredInOrder) {
  Harness harness;
  RawClient client(harness.path);
  client.send(RawClient::request("GET", "/healthz") +
              RawClient::request("POST", "/v1/pools/web/sessions", "{}") +
              RawClient::request("GET", "/v1/nothing"));
  EXPECT_EQ(status_of(client.read_answer()), 200);
  EXPECT_EQ(status_of(client.read_answer()), 201);
  EXPECT_EQ(status_of(client.read_answer()), 404);
}

TEST(Connections, CloseAndHttp10AreHonoured) {
  Harness harness;
  RawClient polite(harness.path);
  polite.send("GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(polite.read_to_end(), HasSubstr("\r\nConnection: close\r\n"));
  RawClient old(harness.path);
  old.send("GET /healthz HTTP/1.0\r\n\r\n");
  EXPECT_THAT(old.read_to_end(), testing::StartsWith("HTTP/1.0 200 OK\r\n"));
  RawClient old_stream(harness.path);
  old_stream.send("GET /v1/events?follow=0 HTTP/1.0\r\n\r\n");
  EXPECT_THAT(old_stream.read_to_end(), Not(HasSubstr("chunked")));
}

TEST(Connections, ExpectContinueIsAnswered) {
  Harness harness;
  RawClient client(harness.path);
  client.send(
      "POST /v1/pools/web/sessions HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("{}");
  EXPECT_EQ(status_of(client.read_answer()), 201);
}

TEST(Connections, ChunkedBodiesAreRead) {
  Harness harness;
  RawClient client(harness.path);
  client.send("POST /v1/pools/web/sessions HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.send("5\r\n{\"ses\r\n");
  client.send("b\r\nsion\":\"bob\"\r\n1\r\n}\r\n0\r\n\r\n");
  EXPECT_EQ(body_of(client.read_answer())["session"], "bob");
}

TEST(Connections, WhatIsNotHttpIs400AtOnce) {
  Harness harness;
  for (const std::string& nonsense :
       {std::string("\x16\x03\x01\x02", 4), std::string("hello"), std::string("SSH-2.0-x\r\n"),
        std::string("GET /\n"), std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        std::string("AAAAAAAAAAAAAAAAAAAAAAAA"), std::string("GET / HTTP/1.1\r\nbad header\r\n\r\n")}) {
    RawClient client(harness.path);
    client.send(nonsense);
    const std::string answer = client.read_answer();
    EXPECT_EQ(status_of(answer), 400) << nonsense;
    EXPECT_EQ(code_of(answer), "bad_request") << nonsense;
    EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
  }
}

TEST(Connections, TwoMebibytesAre413AndTheClientGetsToReadIt) {
  Harness harness;
  RawClient client(harness.path);
  client.send(RawClient::request("POST", "/v1/pools/web/sessions", std::string(2U << 20, ' ')));
  const std::string answer = client.read_answer();
  EXPECT_EQ(status_of(answer), 413);
  EXPECT_EQ(code_of(answer), "too_large");
}

TEST(Connections, ABodyOfExactlyTheBoundIsTaken) {
  Limits limits;
  limits.body_bytes = 1000;
  Harness harness(limits);
  const std::string body = "{}" + std::string(998, ' ');
  EXPECT_EQ(status_of(RawClient(harness.path).ask("POST", "/v1/pools/web/sessions", body)), 201);
  EXPECT_EQ(status_of(RawClient(harness.path).ask("POST", "/v1/pools/web/sessions", body + " ")), 413);
}

TEST(Connections, AnEndlessHeaderIs431) {
  Harness harness;
  RawClient client(harness.path);
  client.send("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x'));
  EXPECT_EQ(code_of(client.read_answer()), "header_too_large");
}

TEST(Connections, AByteNowAndThenIs408) {
  Limits limits;
  limits.header = limits.body = 50ms;
  Harness harness(limits);
  RawClient header(harness.path);
  header.send("G");
  EXPECT_EQ(code_of(header.read_answer()), "too_slow");
  RawClient body(harness.path);
  body.send("POST /v1/pools/web/sessions HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n{");
  const std::string answer = body.read_answer();
  EXPECT_EQ(status_of(answer), 408);
  EXPECT_THAT(answer, HasSubstr("the body took longer than 50ms"));
}

// Each byte must not give the client new time.
TEST(Connections, TheHeadersDeadlineIsForAllOfIt) {
  Limits limits;
  limits.header = 100ms;
  Harness harness(limits);
  RawClient client(harness.path);
  client.send("GET /healthz HTTP/1.1\r\nX: ");
  int bytes = 0;
  for (; bytes < 2000 && !client.is_answered_within(10ms); ++bytes) client.send("x");
  EXPECT_LT(bytes, 2000);
  EXPECT_EQ(code_of(client.read_answer()), "too_slow");
}

// Nor of the body; and it costs others nothing.
TEST(Connections, ABodyInDribletsIs408AndOthersAreServedMeanwhile) {
  Limits limits;
  limits.body = 100ms;
  Harness harness(limits);
  RawClient slow(harness.path), other(harness.path);
  slow.send("POST /v1/pools/web/sessions HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n");
  int bytes = 0;
  for (; bytes < 4000 && !slow.is_answered_within(10ms); ++bytes) {
    slow.send(" ");
    ASSERT_EQ(status_of(other.ask("GET", "/healthz")), 200);
  }
  const std::string answer = slow.read_answer();
  EXPECT_EQ(status_of(answer), 408);
  EXPECT_EQ(code_of(answer), "too_slow");
}

TEST(Connections, AnIdleOneIsClosedWithoutAWord) {
  Limits limits;
  limits.idle = 50ms;
  Harness harness(limits);
  EXPECT_EQ(RawClient(harness.path).read_to_end(), "");
}

TEST(Connections, OneMoreThanTheBoundIsToldAndClosed) {
  Harness harness;
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 128; ++i) {
    clients.push_back(std::make_unique<RawClient>(harness.path));
    ASSERT_EQ(status_of(clients.back()->ask("GET", "/healthz")), 200) << i;
  }
  RawClient one_more(harness.path);
  const std::string answer = one_more.ask("GET", "/healthz");
  EXPECT_EQ(status_of(answer), 503);
  EXPECT_EQ(code_of(answer), "too_many_connections");
  EXPECT_THAT(answer, HasSubstr("\r\nRetry-After: 1\r\n"));
  EXPECT_EQ(one_more.read_to_end(), "");
  EXPECT_EQ(status_of(clients.front()->ask("GET", "/healthz")), 200);
  clients.pop_back();
  std::string again;
  for (int tries = 0; tries < 1000 && status_of(again) != 200; ++tries)
    again = RawClient(harness.path).ask("GET", "/healthz");
  EXPECT_EQ(status_of(again), 200);
}

TEST(Connections, TheTotalIsBoundedToo) {
  Limits limits;
  limits.connections_total = 2;
  limits.refusals_at_once = 1;
  Harness harness(limits);
  RawClient first(harness.path), second(harness.path);
  first.ask("GET", "/healthz");
  second.ask("GET", "/healthz");
  RawClient refused(harness.path);
  EXPECT_EQ(code_of(refused.read_answer()), "too_many_connections");
  RawClient turned_away(harness.path);  // while the refused one is still there
  EXPECT_EQ(turned_away.read_to_end(), "");
}

TEST(Connections, AHalfClosedClientStillGetsItsAnswer) {
  Harness harness;
  harness.on_loop([&] { harness.service.mode = FakeService::Acquire::queued; });
  RawClient client(harness.path);
  client.send(RawClient::request("POST", "/v1/pools/web/sessions", R"({"session":"s"})"));
  client.shut_down_sending();
  ASSERT_TRUE(harness.eventually([&] { return harness.service.queue.size() == 1; }));
  harness.on_loop([&] { harness.service.queue.at(1)(harness.service.grant("s")); });
  EXPECT_EQ(status_of(client.read_answer()), 201);
}

// What is pipelined behind it waits, and is no hang-up.
TEST(Connections, AQueuedAcquireIsAnsweredLaterOnTheSameConnection) {
  Harness harness;
  harness.on_loop([&] { harness.service.mode = FakeService::Acquire::queued; });
  RawClient client(harness.path);
  for (std::uint64_t request = 1; request <= 3; ++request) {
    client.send(RawClient::request("POST", "/v1/pools/web/sessions", R"({"session":"s"})"));
    ASSERT_TRUE(harness.eventually([&] { return harness.service.queue.contains(request); }));
    client.send(RawClient::request("GET", "/v1/status"));
    RawClient(harness.path).ask("GET", "/healthz");  // by now the loop has seen those bytes
    harness.on_loop([&] { harness.service.queue.at(request)(harness.service.grant("s")); });
    EXPECT_EQ(status_of(client.read_answer()), 201);
    EXPECT_EQ(status_of(client.read_answer()), 200);
  }
}

TEST(Connections, StopEndsAllOfThemAndRemovesTheSocket) {
  Harness harness;
  harness.on_loop([&] { harness.service.mode = FakeService::Acquire::queued; });
  RawClient idle(harness.path), queued(harness.path), events(harness.path), half(harness.path);
  EXPECT_EQ(status_of(idle.ask("GET", "/healthz")), 200);
  queued.send(RawClient::request("POST", "/v1/pools/web/sessions"));
  events.send(RawClient::request("GET", "/v1/events"));
  events.read_until("\r\n\r\n");
  half.send("GET /hea");
  ASSERT_TRUE(harness.eventually([&] { return harness.service.queue.size() == 1; }));
  auto done = harness.stop();
  EXPECT_EQ(done.wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(idle.read_to_end(), "");
  EXPECT_EQ(code_of(queued.read_answer()), "stopping");
  EXPECT_EQ(events.read_to_end(), "0\r\n\r\n");
  EXPECT_EQ(half.read_to_end(), "");
  EXPECT_TRUE(harness.on_loop([&] { return harness.service.cancelled.contains(1); }));
  EXPECT_TRUE(std::filesystem::is_empty(harness.directory.path()));
}

TEST(Connections, StopWithNobodyThereIsDoneToo) {
  Harness harness;
  EXPECT_EQ(harness.stop().wait_for(kPatience), std::future_status::ready);
}

TEST(Connections, AServerThatEndsCallsTheServiceNoMore) {
  std::size_t cancelled = 1;
  {
    auto harness = std::make_unique<Harness>();
    harness->on_loop([&] { harness->service.mode = FakeService::Acquire::queued; });
    RawClient client(harness->path);
    client.send(RawClient::request("POST", "/v1/pools/web/sessions"));
    ASSERT_TRUE(harness->eventually([&] { return harness->service.queue.size() == 1; }));
    harness->end_server();
    EXPECT_EQ(client.read_to_end(), "");
    cancelled = harness->on_loop([&] { return harness->service.cancelled.size(); });
  }
  EXPECT_EQ(cancelled, 0U);
}

}  // namespace
}  // namespace herd::control
