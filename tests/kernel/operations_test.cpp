// What operators do to a pool that is running: drain, resume, scale, restart; and what the pool does by
// itself.
#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

using Operations = DaemonTest;

Json sized(int min, int max, int spare) {
  return testee_pool({"serve"}, {{"workers", {{"min", min}, {"max", max}, {"spare", spare}}}});
}

TEST_F(Operations, ADrainedPoolKeepsItsSessionsAndTakesNoNewOnes) {
  start_with("a", sized(2, 3, 1));
  const Json session = daemon_.acquire("a", "s");
  daemon_.post("/v1/pools/a/drain");
  const Reply denied = daemon_.call("POST", "/v1/pools/a/sessions", {{"session", "new"}});
  EXPECT_EQ(denied.status, 503U);
  EXPECT_EQ(denied.body.at("error").at("code"), "pool_draining");
  EXPECT_EQ(daemon_.acquire("a", "s").at("pid"), session.at("pid"));
  EXPECT_EQ(ask(session.at("address"), "/").at("worker"), session.at("worker"));
  daemon_.post("/v1/pools/a/resume");
  EXPECT_NE(daemon_.acquire("a", "new").at("worker"), session.at("worker"));
}

TEST_F(Operations, ScaleTakesEffectInBothDirectionsAndNeverPassesMax) {
  start_with("a", sized(1, 2, 0));
  daemon_.wait_until_ready("a");
  EXPECT_EQ(daemon_.post("/v1/pools/a/scale", {{"min", 5}, {"max", 6}}).at("workers").at("max"), 6);
  const Json sessions[]{daemon_.acquire("a", "1"), daemon_.acquire("a", "2"), daemon_.acquire("a", "3"),
                        daemon_.acquire("a", "4"), daemon_.acquire("a", "5"), daemon_.acquire("a", "6")};
  EXPECT_EQ(daemon_.call("POST", "/v1/pools/a/sessions", {{"session", "7"}, {"timeout", "50ms"}}).status,
            504U);
  EXPECT_EQ(daemon_.workers("a").size(), 6U);
  daemon_.post("/v1/pools/a/scale", {{"min", 0}, {"max", 1}});
  for (const Json& session : sessions)
    daemon_.remove("/v1/pools/a/sessions/" + session.at("session").get<std::string>());
  for (const Json& session : sessions)
    daemon_.wait_for({.type = "worker_gone", .worker = session.at("worker")});
  daemon_.acquire("a", "8");
  EXPECT_EQ(daemon_.workers("a").size(), 1U);
  EXPECT_EQ(daemon_.call("POST", "/v1/pools/a/scale", {{"min", 3}, {"max", 2}}).status, 400U);
}

TEST_F(Operations, SpareWorkersAreKeptReadyAheadOfSessions) {
  start_with("a", sized(0, 4, 2));
  const Json first = daemon_.acquire("a", "1");
  daemon_.wait_for_pool("a", [](const Json& pool) { return pool.at("workers").at("idle") == 2; });
  EXPECT_EQ(daemon_.workers("a").size(), 3U);
  EXPECT_EQ(daemon_.acquire("a", "1").at("worker"), first.at("worker"));
}

TEST_F(Operations, ARestartReplacesIdleWorkersAndLeavesBoundOnesTheirSession) {
  start_with("a", sized(2, 4, 0));
  const Json bound = daemon_.acquire("a", "s");
  daemon_.wait_for_pool("a", [](const Json& pool) { return pool.at("workers").at("idle") == 1; });
  std::string idle;
  for (const Json& worker : daemon_.workers("a"))
    if (worker.at("state") == "idle") idle = worker.at("id");
  daemon_.post("/v1/pools/a/restart");
  const Json gone = daemon_.wait_for({.type = "worker_gone", .worker = idle});
  EXPECT_EQ(gone.at("reason").at("kind"), "recycled");
  // The new one was ready before the old one went.
  daemon_.wait_for([&](const Json& event) {
    return event.at("type") == "worker_ready" && event.at("worker") != idle &&
           event.at("worker") != bound.at("worker");
  });
  EXPECT_EQ(ask(bound.at("address"), "/").at("worker"), bound.at("worker"));
  daemon_.remove("/v1/pools/a/sessions/s");
  daemon_.wait_for({.type = "worker_gone", .worker = bound.at("worker")});
}

TEST_F(Operations, AWorkerThatIgnoresSigtermIsKilledAfterItsGraceAndTheReasonStays) {
  start_with("a", testee_pool({"ignore-term"}, {{"stop", {{"grace", "150ms"}}}}));
  const Json session = daemon_.acquire("a", "s");
  const auto before = std::chrono::steady_clock::now();
  daemon_.remove("/v1/pools/a/sessions/s");
  const Json gone = daemon_.wait_for({.type = "worker_gone", .worker = session.at("worker")});
  EXPECT_GE(std::chrono::steady_clock::now() - before, 150ms);
  EXPECT_EQ(gone.at("reason").at("kind"), "session_ended");
}

TEST_F(Operations, AnUnhealthyWorkerIsReplaced) {
  Json pool = testee_pool({"serve"});
  pool["health"] = {{"http", "/health"}, {"interval", "50ms"}, {"timeout", "2s"}, {"failures", 2}};
  start_with("a", pool);
  const Json session = daemon_.acquire("a", "s");
  ask(session.at("address"), "/unhealthy");
  const Json ended = daemon_.wait_for({.type = "session_ended", .session = "s"});
  EXPECT_EQ(ended.at("reason").at("kind"), "unhealthy");
  EXPECT_NE(daemon_.acquire("a", "s").at("worker"), session.at("worker"));
}

TEST_F(Operations, AWorkerThatIsTooOldIsReplacedAndABoundOneKeepsItsSession) {
  Json pool = sized(1, 3, 0);
  pool["recycle"] = {{"age", "300ms"}};
  start_with("a", pool);
  const Json session = daemon_.acquire("a", "s");
  daemon_.post("/v1/pools/a/scale", {{"min", 2}});
  // The idle one beside it gets too old and is replaced; the bound one is as old.
  daemon_.wait_for([](const Json& event) {
    return event.at("type") == "worker_gone" && event.at("reason").at("kind") == "recycled";
  });
  EXPECT_EQ(daemon_.acquire("a", "s").at("worker"), session.at("worker"));
  EXPECT_EQ(ask(session.at("address"), "/").at("worker"), session.at("worker"));
}

}  // namespace
}  // namespace herd::test
