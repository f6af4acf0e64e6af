// Reload: all files are read and checked first; one error and nothing changes.
#include <signal.h>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

using Reload = DaemonTest;

Json with_greeting(const std::string& greeting) {
  return testee_pool({"serve"}, {{"environment", {{"GREETING", greeting}}}, {"workers", {{"max", 3}}}});
}

std::string greeting_of(const Json& worker) {
  const Json report = ask(worker.at("address"), "/report");
  for (const Json& entry : report.at("environment"))
    if (entry.get<std::string>().starts_with("GREETING=")) return entry.get<std::string>().substr(9);
  return "";
}

TEST_F(Reload, AnUnchangedPoolIsNotTouchedAndANewOneStarts) {
  start_with("a", with_greeting("one"));
  const Json session = daemon_.acquire("a", "s");
  daemon_.write_pool("b", with_greeting("two"));
  const Json answer = daemon_.post("/v1/reload");
  ASSERT_EQ(answer.at("plan").size(), 1U) << answer;
  EXPECT_EQ(answer.at("plan").at(0).at("pool"), "b");
  EXPECT_EQ(answer.at("plan").at(0).at("after"), "defined");
  EXPECT_EQ(greeting_of(daemon_.acquire("b", "s")), "two");
  EXPECT_EQ(daemon_.acquire("a", "s").at("pid"), session.at("pid"));
}

TEST_F(Reload, ABadFileChangesNothingAndEveryErrorIsSaid) {
  start_with("a", with_greeting("one"));
  const Json session = daemon_.acquire("a", "s");
  daemon_.write_pool("a", with_greeting("two"));
  daemon_.write_pool_text("b", R"({"comand": ["/bin/true"], "workers": {"min": -1}})");
  const Reply refused = daemon_.call("POST", "/v1/reload");
  EXPECT_EQ(refused.status, 422U);
  const std::string message = refused.body.at("error").at("message");
  for (const char* part : {"comand", "did you mean", "/workers/min"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
  EXPECT_EQ(daemon_.get("/v1/status").at("generation"), 1);
  EXPECT_EQ(daemon_.get("/v1/pools").at("pools").size(), 1U);
  EXPECT_EQ(greeting_of(daemon_.acquire("a", "s")), "one");
}

TEST_F(Reload, ADryRunSaysThePlanAndDoesNothing) {
  start_with("a", with_greeting("one"));
  const Json session = daemon_.acquire("a", "s");
  Json changed = with_greeting("one");
  changed["workers"]["max"] = 7;
  changed["limits"]["pids"] = 50;
  daemon_.write_pool("a", changed);
  const Json plan = daemon_.post("/v1/reload?dry_run=1");
  std::map<std::string, std::string> applies;
  for (const Json& change : plan.at("plan")) applies[change.at("field")] = change.at("applies");
  EXPECT_EQ(applies["/workers/max"], "live") << plan;
  EXPECT_EQ(applies["/limits/pids"], "recycle") << plan;
  EXPECT_EQ(daemon_.get("/v1/pools/a").at("workers").at("max"), 3);
  EXPECT_EQ(daemon_.acquire("a", "s").at("pid"), session.at("pid"));
}

TEST_F(Reload, ARecycleGivesNewSessionsTheNewDefinitionAndBoundOnesKeepTheirs) {
  start_with("a", with_greeting("one"));
  const Json session = daemon_.acquire("a", "old");
  Json changed = with_greeting("two");
  changed["limits"]["pids"] = 50;
  daemon_.write_pool("a", changed);
  daemon_.signal(SIGHUP);
  daemon_.wait_for({.type = "config_reloaded"});
  EXPECT_EQ(greeting_of(daemon_.acquire("a", "new")), "two");
  EXPECT_EQ(daemon_.acquire("a", "old").at("pid"), session.at("pid"));
  EXPECT_EQ(greeting_of(session), "one");
}

TEST_F(Reload, ADefinitionThatNeverGetsReadyLeavesTheOldOneServing) {
  start_with("a", with_greeting("one"));
  const std::string old = daemon_.wait_until_ready("a").at("id");
  Json broken = testee_pool({"exit", "9"},
                            {{"workers", {{"max", 3}}},
                             {"restart", {{"backoff_min", "10ms"}, {"backoff_max", "10ms"}, {"burst", 2}}}});
  broken["limits"]["pids"] = 50;
  daemon_.write_pool("a", broken);
  daemon_.post("/v1/reload");
  daemon_.wait_for({.type = "pool_recycle_failed", .pool = "a"});
  EXPECT_NE(daemon_.get("/v1/status").at("warnings").dump().find("exited with code 9"), std::string::npos);
  EXPECT_EQ(daemon_.acquire("a", "s").at("worker"), old);
}

TEST_F(Reload, ARemovedPoolEndsWithItsWorkers) {
  daemon_.write_pool("a", with_greeting("one"));
  start_with("b", with_greeting("two"));
  const Json session = daemon_.acquire("a", "s");
  daemon_.remove_pool("a");
  daemon_.post("/v1/reload");
  EXPECT_EQ(daemon_.wait_for({.type = "worker_gone", .worker = session.at("worker")}).at("reason").at("kind"),
            "stopped");
  EXPECT_FALSE(is_running(session.at("pid")));
  EXPECT_EQ(daemon_.call("POST", "/v1/pools/a/sessions", Json::object()).status, 404U);
}

}  // namespace
}  // namespace herd::test
