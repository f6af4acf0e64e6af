// Sessions from their first acquire to their end, with real workers.
#include <signal.h>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

using Sessions = DaemonTest;

Json up_to(int max, const Json& overrides = Json::object()) {
  Json pool = testee_pool({"serve"}, {{"workers", {{"min", 1}, {"max", max}, {"spare", 1}}}});
  pool.merge_patch(overrides);
  return pool;
}

TEST_F(Sessions, OneSessionHasOneWorkerAndItsWorkerHasNoOther) {
  start_with("a", up_to(3));
  const Json first = daemon_.acquire("a", "first"), second = daemon_.acquire("a", "second");
  EXPECT_NE(first.at("worker"), second.at("worker"));
  const Json again = daemon_.acquire("a", "first");
  EXPECT_EQ(again.at("worker"), first.at("worker"));
  EXPECT_EQ(first.at("created"), true);
  EXPECT_EQ(again.at("created"), false);
  EXPECT_EQ(ask(first.at("address"), "/").at("worker"), first.at("worker"));
}

// reuse: false, so that no caller ever meets what another left behind.
TEST_F(Sessions, AReleasedWorkerIsNeverGivenToAnother) {
  start_with("a", up_to(1));
  const Json first = daemon_.acquire("a", "first");
  daemon_.remove("/v1/pools/a/sessions/first");
  EXPECT_EQ(daemon_.call("GET", "/v1/pools/a/sessions/first").status, 404U);
  const Json second = daemon_.acquire("a", "second");
  EXPECT_NE(second.at("worker"), first.at("worker"));
  EXPECT_EQ(daemon_.wait_for({.type = "worker_gone", .worker = first.at("worker")}).at("reason").at("kind"),
            "session_ended");
  EXPECT_FALSE(is_running(first.at("pid")));
}

TEST_F(Sessions, AWorkerKilledWhileBoundEndsItsSessionWithTheTrueReason) {
  start_with("a", up_to(2));
  const Json session = daemon_.acquire("a", "s");
  ::kill(session.at("pid").get<pid_t>(), SIGKILL);
  const Json ended = daemon_.wait_for({.type = "session_ended", .session = "s"});
  EXPECT_EQ(ended.at("worker"), session.at("worker"));
  EXPECT_EQ(ended.at("reason").at("kind"), "signaled");
  EXPECT_EQ(ended.at("reason").at("signal"), SIGKILL);
  const Json next = daemon_.acquire("a", "s");
  EXPECT_NE(next.at("worker"), session.at("worker"));
  EXPECT_EQ(next.at("created"), true);
}

TEST_F(Sessions, AnExitInTheMiddleIsToldWithItsCode) {
  start_with("a", up_to(2));
  ask_session("a", "s", "/exit?code=42");
  const Json ended = daemon_.wait_for({.type = "session_ended", .session = "s"});
  EXPECT_EQ(ended.at("reason").at("kind"), "exited");
  EXPECT_EQ(ended.at("reason").at("code"), 42);
}

TEST_F(Sessions, AnIdleSessionIsEvicted) {
  start_with("a", up_to(1, {{"sessions", {{"idle_timeout", "200ms"}}}}));
  const Json session = daemon_.acquire("a", "s");
  const Json ended = daemon_.wait_for({.type = "session_ended", .session = "s"});
  EXPECT_EQ(ended.at("reason").at("kind"), "idle_evicted");
  EXPECT_EQ(daemon_.wait_for({.type = "worker_gone", .worker = session.at("worker")}).at("reason").at("kind"),
            "idle_evicted");
}

TEST_F(Sessions, AConnectionLeaseEndsWithItsConnection) {
  start_with("a", up_to(1, {{"sessions", {{"lease", "connection"}, {"idle_timeout", "100ms"}}}}));
  {
    auto lease = daemon_.open("POST", "/v1/pools/a/sessions", {{"session", "s"}});
    std::string line;
    ASSERT_TRUE(lease.next(line).value_or(false));
    EXPECT_EQ(Json::parse(line).at("session"), "s");
    EXPECT_EQ(daemon_.get("/v1/pools/a/sessions/s").at("lease"), "connection");
  }
  const Json ended = daemon_.wait_for({.type = "session_ended", .session = "s"});
  EXPECT_EQ(ended.at("reason").at("kind"), "session_ended");
  EXPECT_EQ(ended.at("reason").at("what"), "lease_closed");
}

TEST_F(Sessions, AConnectionLeaseIsToldThatItsWorkerDied) {
  start_with("a", up_to(1, {{"sessions", {{"lease", "connection"}}}}));
  auto lease = daemon_.open("POST", "/v1/pools/a/sessions", {{"session", "s"}});
  std::string line;
  ASSERT_TRUE(lease.next(line).value_or(false));
  const Json session = Json::parse(line);
  EXPECT_TRUE(ask(session.at("address"), "/abort").is_null());
  ASSERT_TRUE(lease.next(line).value_or(false));
  EXPECT_EQ(Json::parse(line).at("ended").at("kind"), "signaled") << line;
  EXPECT_EQ(Json::parse(line).at("ended").at("signal"), SIGABRT) << line;
  EXPECT_FALSE(lease.next(line).value_or(true)) << "and then the stream ends";
}

// Pitfall 57: it would leave a worker bound to nobody.
TEST_F(Sessions, AClientThatLeavesWhileItIsQueuedTakesNoWorker) {
  start_with("a", up_to(1));
  daemon_.acquire("a", "first");
  {
    const Process client({"/usr/bin/env", "curl", "-s", "--unix-socket", daemon_.socket(), "-d",
                          R"({"session": "gone"})", "http://herd/v1/pools/a/sessions"},
                         {.environment = {"PATH=/usr/bin:/bin"}, .before_exec = {}, .output = ""});
    daemon_.wait_for_pool("a", [](const Json& pool) { return pool.at("queued") == 1; });
  }
  daemon_.wait_for_pool("a", [](const Json& pool) { return pool.at("queued") == 0; });
  daemon_.remove("/v1/pools/a/sessions/first");
  daemon_.acquire("a", "second");
  for (const Json& event : daemon_.events()) EXPECT_NE(event.at("session"), "gone") << event;
}

TEST_F(Sessions, AFullQueueIsSaid) {
  start_with("a", up_to(1, {{"sessions", {{"queue_limit", 0}}}}));
  daemon_.wait_until_ready("a");
  daemon_.acquire("a", "first");
  const Reply full = daemon_.call("POST", "/v1/pools/a/sessions", {{"session", "second"}});
  EXPECT_EQ(full.status, 429U) << full.text;
  EXPECT_EQ(full.body.at("error").at("code"), "queue_full");
  EXPECT_FALSE(full.header("Retry-After").empty());
}

}  // namespace
}  // namespace herd::test
