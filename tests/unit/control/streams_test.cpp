// Events, output and connection leases over the wire, and the line sources by themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/control/harness.hpp"

namespace herd::control {
namespace {

using testing::HasSubstr;

/// The lines of a chunked answer that has come to its end.
std::vector<Json> lines_of(const std::string& answer) {
  std::vector<Json> lines;
  std::size_t at = answer.find("\r\n\r\n") + 4;
  for (;;) {
    const std::size_t length = std::stoul(answer.substr(at), nullptr, 16);
    at = answer.find("\r\n", at) + 2;
    if (length == 0) return lines;
    std::istringstream chunk(answer.substr(at, length));
    for (std::string line; std::getline(chunk, line);) lines.push_back(Json::parse(line));
    at += length + 2;
  }
}

class Streams : public testing::Test {
 protected:
  void emit(const std::string& type, const std::string& pool, int count = 1) {
    harness.on_loop([&] {
      for (int i = 0; i < count; ++i) harness.service.emit({{"type", type}, {"pool", pool}});
    });
  }
  std::vector<Json> read(const std::string& target) {
    RawClient client(harness.path);
    client.send(RawClient::request("GET", target));
    return lines_of(client.read_to_end());
  }
  void write_line(const std::string& text) {
    harness.on_loop([&] {
      harness.service.log_ring->append({1'714'557'600'123'456, true, "alice", text}, 10);
    });
  }
  Harness harness;
};

TEST_F(Streams, EventsThatAreThere) {
  emit("worker_ready", "web", 3);
  const auto lines = read("/v1/events?follow=0&since=1");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], (Json{{"seq", 2}, {"type", "worker_ready"}, {"pool", "web"}}));
  EXPECT_EQ(lines[1]["seq"], 3);
  EXPECT_TRUE(read("/v1/events?follow=0&since=3").empty());
}

TEST_F(Streams, EventsOfOnePool) {
  emit("a", "web");
  emit("b", "other", 90);
  emit("c", "web");
  const auto lines = read("/v1/events?follow=0&pool=web");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["type"], "a");
  EXPECT_EQ(lines[1]["type"], "c");
}

TEST_F(Streams, AGapIsSaid) {
  emit("x", "web", 150);  // the ring keeps 100
  const auto lines = read("/v1/events?follow=0");
  ASSERT_EQ(lines.size(), 101U);
  EXPECT_EQ(lines[0], (Json{{"type", "gap"}, {"lost", 50}, {"seq", 50}}));
  EXPECT_EQ(lines[1]["seq"], 51);
}

TEST_F(Streams, ANumberFromBeforeARestartIsAGapToo) {
  emit("x", "web", 2);
  const auto lines = read("/v1/events?follow=0&since=5000");
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0]["type"], "gap");
  EXPECT_TRUE(lines[0]["lost"].is_null());
  EXPECT_EQ(lines[1]["seq"], 1);
  EXPECT_EQ(read("/v1/events?follow=0&since=18446744073709551615").size(), 3U);
}

TEST_F(Streams, FollowingGetsWhatComes) {
  emit("before", "web");
  RawClient client(harness.path);
  client.send(RawClient::request("GET", "/v1/events"));
  EXPECT_THAT(client.read_until("before\"}\n"), HasSubstr("Content-Type: application/x-ndjson\r\n"));
  for (int i = 0; i < 3; ++i) {
    emit("after" + std::to_string(i), "web");
    EXPECT_THAT(client.read_until("after" + std::to_string(i) + "\"}\n"), HasSubstr("{\"seq\":"));
  }
}

// The reader rests while thousands of events pass by: nothing grows, and it is told what it lost.
TEST_F(Streams, ASlowReaderIsToldWhatItLost) {
  RawClient client(harness.path);
  client.send(RawClient::request("GET", "/v1/events"));
  client.read_until("\r\n\r\n");
  const std::string pool(2000, 'p');
  for (int i = 0; i < 100; ++i) emit("flood", pool, 50);
  harness.on_loop([&] { harness.service.emit({{"type", "the_last"}}); });
  const std::string all = client.read_until("the_last\"}\n");
  EXPECT_THAT(all, HasSubstr("\"type\":\"gap\""));
  EXPECT_THAT(all, HasSubstr("{\"seq\":5001,\"type\":\"the_last\"}"));
  EXPECT_LT(all.size(), 5000 * pool.size());
}

TEST_F(Streams, LogsThatAreThereAreValidUtf8) {
  write_line("caf\xc3\xa9 \xff\xfe end");
  const auto lines = read("/v1/workers/web-1/logs");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0], (Json{{"seq", 1},
                            {"time", "2024-05-01T10:00:00.123456Z"},
                            {"stream", "stderr"},
                            {"session", "alice"},
                            {"text", "caf\xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd end"},
                            {"cut", false}}));
}

TEST_F(Streams, LostLogLinesAreSaid) {
  for (int i = 0; i < 130; ++i) write_line("x");
  const auto lines = read("/v1/workers/web-1/logs");
  ASSERT_EQ(lines.size(), 101U);
  EXPECT_EQ(lines[0], (Json{{"gap", true}, {"lost", 30}, {"seq", 30}}));
}

TEST_F(Streams, FollowingLogsEndsWithTheWorker) {
  RawClient client(harness.path);
  client.send(RawClient::request("GET", "/v1/workers/web-1/logs?follow=1"));
  client.read_until("\r\n\r\n");
  write_line("one");
  client.read_until("\"one\"");
  harness.on_loop([&] {
    harness.service.emit({{"type", "worker_gone"}, {"worker", "web-2"}});
    harness.service.log_ring->append({0, false, "", "last words"}, 10);
    harness.service.emit({{"type", "worker_gone"}, {"worker", "web-1"}});
  });
  const std::string rest = client.read_to_end();
  EXPECT_THAT(rest, HasSubstr("last words"));
  EXPECT_THAT(rest, testing::EndsWith("\r\n0\r\n\r\n"));
}

TEST_F(Streams, LogsOfAWorkerThatIsGoneAreNotFollowed) {
  write_line("old");
  harness.on_loop([&] { harness.service.worker_is_gone = true; });
  EXPECT_EQ(read("/v1/workers/web-1/logs?follow=1").size(), 1U);
}

class Leases : public Streams {
 protected:
  void SetUp() override {
    harness.on_loop([&] { harness.service.lease_is_connection = true; });
  }
  static std::string acquire() {
    return RawClient::request("POST", "/v1/pools/web/sessions", R"({"session":"s","lease":"connection"})");
  }
};

TEST_F(Leases, TheFirstLineIsTheAnswerAndTheEndReleases) {
  RawClient client(harness.path);
  client.send(acquire());
  const std::string head = client.read_until("}\n");
  EXPECT_EQ(status_of(head), 201);
  EXPECT_THAT(head, HasSubstr("\"session\":\"s\""));
  EXPECT_TRUE(harness.on_loop([&] { return harness.service.closed_leases.empty(); }));
  client.close();
  EXPECT_TRUE(harness.eventually([&] { return harness.service.closed_leases.contains(1); }));
}

TEST_F(Leases, ASessionThatEndsFirstSaysWhy) {
  RawClient client(harness.path);
  client.send(acquire());
  client.read_until("}\n");
  harness.on_loop([&] {
    harness.service.emit({{"type", "session_ended"}, {"pool", "web"}, {"session", "other"}});
    harness.service.emit({{"type", "session_ended"}, {"pool", "api"}, {"session", "s"}});
    harness.service.emit(
        {{"type", "session_ended"}, {"pool", "web"}, {"session", "s"}, {"reason", {{"kind", "oom_killed"}}}});
  });
  EXPECT_THAT(client.read_to_end(), HasSubstr("{\"ended\":{\"kind\":\"oom_killed\"}}\n\r\n0\r\n\r\n"));
  EXPECT_TRUE(harness.eventually([&] { return harness.service.closed_leases.contains(1); }));
}

// The session's earlier life under the same name must not end this one.
TEST_F(Leases, AnEndBeforeTheGrantDoesNotCount) {
  harness.on_loop([&] {
    harness.service.emit({{"type", "session_ended"}, {"pool", "web"}, {"session", "s"}});
  });
  RawClient client(harness.path);
  client.send(acquire());
  EXPECT_THAT(client.read_until("}\n"), testing::Not(HasSubstr("ended")));
  harness.on_loop([&] {
    harness.service.emit({{"type", "session_ended"}, {"pool", "web"}, {"session", "s"}});
  });
  EXPECT_THAT(client.read_to_end(), HasSubstr("{\"ended\":null}\n"));
}

TEST_F(Leases, StopEndsTheLease) {
  RawClient client(harness.path);
  client.send(acquire());
  client.read_until("}\n\r\n");
  EXPECT_EQ(harness.stop().wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(client.read_to_end(), "0\r\n\r\n");
  EXPECT_TRUE(harness.on_loop([&] { return harness.service.closed_leases.contains(1); }));
}

// Granted in the same moment in which the client hangs up: the lease must not stay behind.
TEST_F(Leases, AGrantThatFindsNobodyIsClosed) {
  harness.on_loop([&] { harness.service.mode = FakeService::Acquire::queued; });
  RawClient client(harness.path);
  client.send(acquire());
  ASSERT_TRUE(harness.eventually([&] { return harness.service.queue.size() == 1; }));
  harness.on_loop([&] {
    client.close();
    harness.service.queue.at(1)(harness.service.grant("s"));
  });
  EXPECT_TRUE(harness.eventually([&] { return harness.service.closed_leases.contains(1); }));
}

}  // namespace
}  // namespace herd::control
