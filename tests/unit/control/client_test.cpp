// The client, its words for what went wrong, and the words that both ends share.
#include "protocol/control/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "protocol/control/nearest.hpp"
#include "protocol/control/routes.hpp"
#include "tests/unit/control/harness.hpp"

namespace herd::control {
namespace {

using protocol::Client;
using testing::HasSubstr;

TEST(Client, GetsAndPostsOverOneConnection) {
  Limits limits;
  limits.connections_per_uid = 1;
  Harness harness(limits);
  Client client(harness.path);
  const auto status = client.get("/v1/status");
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->body["version"], "0.1.0");
  EXPECT_EQ(status->header("content-type"), "application/json");
  const auto acquired = client.post("/v1/pools/web/sessions", {{"session", "bob"}});
  ASSERT_TRUE(acquired) << acquired.error().message;
  EXPECT_EQ(acquired->status, 201U);
  EXPECT_EQ(acquired->body["session"], "bob");
  const auto missing = client.remove("/v1/pools/web/sessions/nobody");
  ASSERT_TRUE(missing) << missing.error().message;
  EXPECT_EQ(protocol::refusal_from(missing->body)->code, "unknown_session");
}

TEST(Client, ConnectsAnewWhenTheServerHasClosed) {
  Harness harness;
  Client client(harness.path);
  for (int i = 0; i < 3; ++i) {
    const auto reply = client.get("/healthz");
    ASSERT_TRUE(reply) << reply.error().message;
    harness.end_server();
    harness.start_server();
  }
}

TEST(Client, ReadsARefusalThatComesWhileItStillSends) {
  Harness harness;
  Client client(harness.path);
  const auto reply = client.post("/v1/pools/web/sessions", {{"session", std::string(4U << 20, 'x')}});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 413U);
}

TEST(Client, SaysWhatToDoWhenNobodyIsThere) {
  TemporaryDirectory directory;
  Client nothing(directory / "x.sock");
  EXPECT_EQ(
      nothing.get("/healthz").error().message,
      "cannot reach herdd at " + (directory / "x.sock") +
          ": No such file or directory; is it running? (systemctl status herd, or herdd --config FILE)");
  { const auto dead = bind_unix_socket(directory / "dead.sock", 0660); }
  Client dead(directory / "dead.sock");
  EXPECT_THAT(dead.get("/healthz").error().message, HasSubstr("Connection refused; is it running?"));
}

TEST(Client, GivesUpInTime) {
  Harness harness;
  harness.on_loop([&] { harness.service.mode = FakeService::Acquire::queued; });
  Client client(harness.path);
  const auto reply = client.send(
      {.method = "POST", .target = "/v1/pools/web/sessions", .timeout = std::chrono::milliseconds(30)});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().errno_value, ETIMEDOUT);
  EXPECT_TRUE(harness.eventually([&] { return harness.service.cancelled.size() == 1; }));
}

TEST(Client, ReadsLinesAsTheyCome) {
  Harness harness;
  harness.on_loop([&] { harness.service.emit({{"type", "one"}}); });
  Client client(harness.path);
  auto stream = client.open({.target = "/v1/events"});
  ASSERT_TRUE(stream) << stream.error().message;
  std::string line;
  ASSERT_TRUE(stream->next(line).value());
  EXPECT_EQ(Json::parse(line)["type"], "one");
  EXPECT_EQ(stream->try_next(line).value(), protocol::LineStream::State::nothing_yet);
  harness.on_loop([&] { harness.service.emit({{"type", "two"}}); });
  ASSERT_TRUE(stream->next(line).value());
  EXPECT_EQ(Json::parse(line)["seq"], 2);
  EXPECT_EQ(harness.stop().wait_for(kPatience), std::future_status::ready);
  EXPECT_FALSE(stream->next(line).value());
}

TEST(Client, AStreamThatBreaksOffIsAnError) {
  Harness harness;
  Client client(harness.path);
  auto stream = client.open({.target = "/v1/events"});
  ASSERT_TRUE(stream);
  harness.end_server();
  std::string line;
  EXPECT_FALSE(stream->next(line));
}

TEST(Client, ARefusedStreamHasItsBody) {
  Harness harness;
  Client client(harness.path);
  const auto stream = client.open({.target = "/v1/workers/x/logs"});
  ASSERT_TRUE(stream);
  EXPECT_EQ(stream->head().status, 404U);
  EXPECT_EQ(protocol::refusal_from(stream->head().body)->code, "unknown_worker");
}

TEST(Words, PathsAreFilledAndDecoded) {
  EXPECT_EQ(protocol::fill(protocol::route::kPoolSession, {"web", "a b/c"}),
            "/v1/pools/web/sessions/a%20b%2Fc");
  EXPECT_EQ(protocol::percent_decode("a%20b%2fc"), "a b/c");
  for (const char* bad : {"%", "%1", "a%g0", "%%20"}) EXPECT_FALSE(protocol::percent_decode(bad)) << bad;
}

TEST(Words, TheNearestIsASlipAwayNotMore) {
  static constexpr std::string_view kKnown[] = {"status", "sessions", "scale", "stop"};
  EXPECT_EQ(protocol::nearest("statsu", kKnown), "status");
  EXPECT_EQ(protocol::nearest("session", kKnown), "sessions");
  EXPECT_EQ(protocol::nearest("stpo", kKnown), "stop");
  EXPECT_EQ(protocol::nearest("banana", kKnown), "");
  EXPECT_EQ(protocol::nearest(std::string(100'000, 's'), kKnown), "");
}

}  // namespace
}  // namespace herd::control
