// What herdd and a gateway write, the other one reads.
#include <gtest/gtest.h>

#include "protocol/gateway/line.hpp"
#include "protocol/gateway/statistics.hpp"

namespace herd::gateway {
namespace {

/// What the other end reads; fails the test where that is another kind of message.
template <typename T>
T to_gateway(const T& message) {
  const auto read = parse_to_gateway(to_json(ToGateway(message)));
  const T* same = read ? std::get_if<T>(&*read) : nullptr;
  EXPECT_NE(same, nullptr);
  return same != nullptr ? *same : T{};
}

template <typename T>
T from_gateway(const T& message) {
  const auto read = parse_from_gateway(to_json(FromGateway(message)));
  const T* same = read ? std::get_if<T>(&*read) : nullptr;
  EXPECT_NE(same, nullptr);
  return same != nullptr ? *same : T{};
}

TEST(GatewaySettings, ComeThroughWhole) {
  Settings settings;
  settings.routes.push_back({});
  settings.routes.push_back({.pool = "web",
                             .prefix = "/echo/",
                             .host = "a.org",
                             .session = {SessionPlace::Kind::cookie, "herd", true},
                             .creates = false,
                             .strips_prefix = true,
                             .request_timeout = Milliseconds(5),
                             .tunnel_idle_timeout = Milliseconds(6),
                             .answer_timeout = Milliseconds(8),
                             .hold = Milliseconds(7)});
  settings.limits = {1, 2, Milliseconds(3), Milliseconds(4), Milliseconds(5), Milliseconds(6), 7, 8, 9};
  settings.threads = 3;
  settings.cookie_key = "00ff";
  const auto read = parse_settings(to_json(settings));
  ASSERT_TRUE(read);
  EXPECT_TRUE(*read == settings);
}

TEST(GatewaySettings, HalfOfThemIsAnError) {
  const std::string text = to_json(Settings{});
  EXPECT_FALSE(parse_settings(text.substr(0, text.size() / 2)));
  EXPECT_FALSE(parse_settings("{}"));
}

TEST(GatewayStatistics, ComeThroughWhole) {
  Statistics statistics;
  PoolStatistics& pool = statistics.pools["web"];
  pool.answers = {{200, 5}, {502, 1}};
  pool.latency.back() = 4;
  pool.latency_seconds = 1.5;
  pool.bytes_in = 1;
  pool.bytes_out = 2;
  pool.connects = 3;
  pool.failed_connects = 4;
  pool.retries = 5;
  pool.tunnels = 6;
  statistics.accepted = 7;
  statistics.connections = 8;
  statistics.limited["header_timeout"] = 9;
  const auto read = parse_statistics(to_json(statistics));
  ASSERT_TRUE(read);
  EXPECT_TRUE(*read == statistics);
}

TEST(GatewayLineMessages, ToTheGatewayComeThrough) {
  to_gateway(Configure{});
  EXPECT_EQ(to_gateway(AddListener{"tcp:127.0.0.1:80"}).address, "tcp:127.0.0.1:80");
  EXPECT_EQ(to_gateway(RemoveListener{"unix:/x"}).address, "unix:/x");
  const Granted granted = to_gateway(Granted{7, "web-1", "unix:/s", true});
  EXPECT_EQ(granted.request, 7u);
  EXPECT_EQ(granted.worker, "web-1");
  EXPECT_EQ(granted.address, "unix:/s");
  EXPECT_TRUE(granted.created);
  const Refused refused = to_gateway(Refused{8, 429, "queue_full", "full", "wait", 3});
  EXPECT_EQ(refused.status, 429u);
  EXPECT_EQ(refused.code, "queue_full");
  EXPECT_EQ(refused.retry_after_seconds, 3);
  EXPECT_EQ(to_gateway(Refused{}).retry_after_seconds, std::nullopt);
  const SessionEnded ended = to_gateway(SessionEnded{"web", "ann", "web-1", "oom_killed", "killed \xff"});
  EXPECT_EQ(ended.session, "ann");
  EXPECT_EQ(ended.reason, "oom_killed");
  EXPECT_EQ(ended.sentence, "killed \xEF\xBF\xBD") << "bytes that are no text are replaced";
}

TEST(GatewayLineMessages, FromTheGatewayComeThrough) {
  const Acquire acquire = from_gateway(Acquire{9, "web", "ann", false});
  EXPECT_EQ(acquire.request, 9u);
  EXPECT_EQ(acquire.session, "ann");
  EXPECT_FALSE(acquire.creates);
  EXPECT_EQ(from_gateway(Cancel{9}).request, 9u);
  EXPECT_EQ(from_gateway(Busy{"web", "ann", "web-1"}).worker, "web-1");
  EXPECT_EQ(from_gateway(Idle{"web", "ann", "web-1", Milliseconds(250)}).ago, Milliseconds(250));
  from_gateway(Report{});
}

TEST(GatewayLineMessages, WhatIsNoneIsAnError) {
  for (const char* text :
       {"", "{", "[]", "{}", R"({"type": "unknown"})", R"({"type": "acquire"})",
        R"({"type": "acquire", "request": -1, "pool": 1, "session": "", "creates": true})"}) {
    EXPECT_FALSE(parse_from_gateway(text)) << text;
    EXPECT_FALSE(parse_to_gateway(text)) << text;
  }
}

}  // namespace
}  // namespace herd::gateway
