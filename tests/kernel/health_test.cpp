// Health checks: what ends a worker, and what does not.
#include <signal.h>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

class Health : public DaemonTest {
 protected:
  void start_checked(const std::string& timeout) {
    Json pool = testee_pool({"serve"});
    pool["health"] = {{"http", "/health"}, {"interval", "30ms"}, {"timeout", timeout}, {"failures", 2}};
    start_with("a", pool);
    session_ = daemon_.acquire("a", "s");
  }
  /// Asks the worker, as no event tells of a check that went well.
  void wait_for_checks(int more) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    const int before = checks();
    while (checks() < before + more) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  }
  int checks() { return ask(session_.at("address"), "/").at("health_checks"); }
  Json session_;
};

TEST_F(Health, AFailureBetweenSuccessesNeverEndsAWorker) {
  start_checked("10s");
  for (int i = 0; i < 4; ++i) {
    ask(session_.at("address"), "/unhealthy-once");
    wait_for_checks(3);
  }
  EXPECT_NE(daemon_.log().find("health check 1 of 2 failed"), std::string::npos);
  EXPECT_EQ(daemon_.acquire("a", "s").at("pid"), session_.at("pid"));
  EXPECT_EQ(daemon_.get("/v1/pools/a").at("counters").at("gone"), 0);
}

TEST_F(Health, AnEndpointThatHangsIsUnhealthyAndTheDaemonAnswersMeanwhile) {
  start_checked("1s");
  wait_for_checks(1);
  ::kill(session_.at("pid").get<pid_t>(), SIGSTOP);
  EXPECT_EQ(daemon_.acquire("a", "s").at("pid"), session_.at("pid"));
  EXPECT_EQ(daemon_.worker(session_.at("worker")).at("state"), "bound") << "both while its check hangs";
  const Json gone = daemon_.wait_for({.type = "worker_gone", .worker = session_.at("worker")});
  EXPECT_EQ(gone.at("reason").at("kind"), "unhealthy");
  EXPECT_NE(daemon_.acquire("a", "s").at("pid"), session_.at("pid"));
}

}  // namespace
}  // namespace herd::test
