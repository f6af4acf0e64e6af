// Sessions where several things happen at once: acquires, releases, deaths, the daemon's end.
#include <signal.h>

#include <mutex>
#include <thread>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

using SessionRaces = DaemonTest;

Json sized(int min, int max, const std::vector<std::string>& behaviour = {"serve"}) {
  return testee_pool(behaviour, {{"workers", {{"min", min}, {"max", max}}}});
}

TEST_F(SessionRaces, FiftyAcquiresOfOneNameGetOneWorkerAndOneOfThemMadeIt) {
  start_with("a", sized(0, 8));
  std::mutex mutex;
  std::map<std::string, int> workers;
  std::map<unsigned, int> statuses;
  int created = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 50; ++i)
    clients.emplace_back([&] {
      protocol::Client client(daemon_.socket());
      const auto reply = client.post("/v1/pools/a/sessions", {{"session", "s"}});
      const std::lock_guard lock(mutex);
      if (!reply || !reply->ok()) return void(++statuses[reply ? reply->status : 0]);
      ++statuses[reply->status];
      ++workers[reply->body.at("worker")];
      created += reply->body.at("created") == true ? 1 : 0;
    });
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(statuses, (std::map<unsigned, int>{{200, 49}, {201, 1}}));
  EXPECT_EQ(created, 1);
  EXPECT_EQ(workers.size(), 1U) << testing::PrintToString(workers);
  EXPECT_EQ(daemon_.workers("a").size(), 1U);
}

TEST_F(SessionRaces, ASecondReleaseFindsNoSession) {
  start_with("a", sized(1, 2));
  daemon_.acquire("a", "s");
  EXPECT_EQ(daemon_.call("DELETE", "/v1/pools/a/sessions/s").status, 200U);
  const Reply again = daemon_.call("DELETE", "/v1/pools/a/sessions/s");
  EXPECT_EQ(again.status, 404U);
  EXPECT_EQ(again.body.at("error").at("code"), "unknown_session");
}

TEST_F(SessionRaces, AReleaseAfterTheWorkersDeathFindsNoSession) {
  start_with("a", sized(1, 2));
  const Json session = daemon_.acquire("a", "s");
  ::kill(session.at("pid").get<pid_t>(), SIGKILL);
  daemon_.wait_for({.type = "session_ended", .session = "s"});
  const Reply late = daemon_.call("DELETE", "/v1/pools/a/sessions/s");
  EXPECT_EQ(late.status, 404U);
  EXPECT_EQ(late.body.at("error").at("code"), "unknown_session");
}

TEST_F(SessionRaces, ANameThatIsReleasedIsFreeAtOnceThoughItsWorkerStillEnds) {
  Json pool = sized(1, 2, {"ignore-term"});
  pool["stop"]["grace"] = "300ms";
  start_with("a", pool);
  const Json first = daemon_.acquire("a", "s");
  daemon_.remove("/v1/pools/a/sessions/s");
  const Json second = daemon_.acquire("a", "s");
  EXPECT_EQ(second.at("created"), true);
  EXPECT_NE(second.at("worker"), first.at("worker"));
  daemon_.wait_for({.type = "worker_gone", .worker = first.at("worker")});
  EXPECT_EQ(daemon_.get("/v1/pools/a/sessions/s").at("worker"), second.at("worker"))
      << "its end does not take the new session";
}

// Its grace is long, and the test ends it: so the daemon is surely still stopping when it is asked.
TEST_F(SessionRaces, ADaemonThatStopsSaysSoOnTheConnectionsThatItHas) {
  Json pool = sized(1, 2, {"ignore-term"});
  pool["stop"]["grace"] = "10m";
  start_with("a", pool);
  const Json session = daemon_.acquire("a", "s");
  daemon_.signal(SIGTERM);
  daemon_.wait_for({.type = "daemon_stopping"});
  const Reply refused = daemon_.call("POST", "/v1/pools/a/sessions", {{"session", "new"}});
  EXPECT_EQ(refused.status, 503U);
  EXPECT_EQ(refused.body.at("error").at("code"), "stopping") << refused.text;
  EXPECT_FALSE(refused.header("Retry-After").empty());
  ::kill(session.at("pid").get<pid_t>(), SIGKILL);
}

}  // namespace
}  // namespace herd::test
