// A worker that does nothing but denied calls: held back, so that neither herdd nor the host's audit log
// bears it, and ended all the same by whatever ends a worker.
#include <fstream>
#include <sstream>

#include "daemon/denials/budget.hpp"
#include "tests/support/daemon_test.hpp"
#include "tests/support/denied_calls.hpp"

namespace herd::test {
namespace {

class DenialStorm : public DaemonTest {
 protected:
  void SetUp() override {
    DaemonTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    HERD_NEEDS(can_see_denials(), "audit records of denied calls");
  }
  /// A million calls, on two processors' worth of processes.
  void start_storm(const Json& overrides = Json::object()) {
    Json pool = testee_pool({"serve"}, {{"workers", {{"min", 0}}}, {"stop", {{"grace", "1s"}}}});
    pool.merge_patch(overrides);
    start_with("a", pool);
    session_ = daemon_.acquire("a", "s");
    worker_ = session_.at("worker");
    ask(session_.at("address"), "/storm?500000");
    ask(session_.at("address"), "/storm?500000");
    held_ = daemon_.wait_for({.type = "worker_held_back", .worker = worker_});
  }
  std::uint64_t denied_calls() { return daemon_.worker(worker_).at("denied_calls").get<std::uint64_t>(); }
  void wait_for_holds(int wanted) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (daemon_.worker(worker_).at("held_back") < wanted)
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << daemon_.worker(worker_);
  }
  void expect_gone(const std::string& reason) {
    EXPECT_EQ(daemon_.wait_for({.type = "worker_gone", .worker = worker_}).at("reason").at("kind"), reason);
    EXPECT_FALSE(is_running(session_.at("pid")));
  }
  UniqueFd lock_ = lock_host("actions_logged");
  Json session_, held_;
  std::string worker_;
};

TEST_F(DenialStorm, IsHeldBackAtItsSourceAndCostsTheDaemonNothing) {
  const auto begin = std::chrono::steady_clock::now();
  start_storm();
  wait_for_holds(2);
  const std::uint64_t before = denied_calls();
  constexpr auto kTime = 5s;
  const auto measured_from = std::chrono::steady_clock::now();
  const double share = cpu_share_of(daemon_.pid(), kTime);
  const std::uint64_t calls = denied_calls();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - measured_from).count();
  // Unhindered it is 200,000 a second. How near it comes to its limit is a matter of how busy the host is:
  // what it does until it stands still is counted, too.
  constexpr double kTenthOfUnhindered = 20'000;
  EXPECT_LT(static_cast<double>(calls - before), seconds * kTenthOfUnhindered);
  EXPECT_GT(calls, before) << "it is held back, not stopped";
  EXPECT_LT(share, 0.5) << "of one processor";
  const Json denials = daemon_.get("/v1/status").at("denials");
  EXPECT_EQ(denials.at("lost"), 0);
  RecordProperty("calls_a_second", std::to_string(static_cast<double>(calls - before) / seconds));
  RecordProperty("cpu_share", std::to_string(share));
  std::size_t events = 0;
  for (const Json& event : daemon_.events()) events += event.at("type") == "seccomp_denied" ? 1 : 0;
  const double minutes = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / 60;
  EXPECT_LE(static_cast<double>(events), 4 + minutes * 6) << "repeats are sums";
  EXPECT_GT(daemon_.get("/v1/pools/a").at("counters").at("held_back"), 1);
}

TEST_F(DenialStorm, AStopEndsIt) {
  start_storm();
  daemon_.post("/v1/workers/" + worker_ + "/stop");
  expect_gone("stopped");
}

TEST_F(DenialStorm, AWorkerThatIgnoresItsSignalToo) {
  start_storm({{"command", {HERD_TEST_TESTEE, "ignore-term"}}});
  wait_for_holds(2);
  daemon_.post("/v1/workers/" + worker_ + "/stop");
  expect_gone("stopped");
}

TEST_F(DenialStorm, TheEndOfTheDaemonEndsIt) {
  start_storm();
  daemon_.stop();
  EXPECT_FALSE(is_running(session_.at("pid")));
}

// Who would thaw it? Without a guard it would be there, frozen, for ever.
TEST_F(DenialStorm, ADaemonThatIsKilledLeavesNobodyFrozen) {
  start_storm();
  wait_for_holds(2);
  daemon_.kill();
  EXPECT_TRUE(daemon_.workers_end_within(kPatience));
}

TEST_F(DenialStorm, AWorkerThatIsHeldBackIsNotTakenForUnhealthy) {
  start_storm(
      {{"health", {{"http", "/health"}, {"interval", "200ms"}, {"timeout", "100ms"}, {"failures", 2}}}});
  wait_for_holds(5);
  for (const Json& event : daemon_.events()) EXPECT_NE(event.at("type"), "worker_gone") << event;
  EXPECT_EQ(daemon_.get("/v1/pools/a/sessions/s").at("worker"), worker_);
}

TEST_F(DenialStorm, AnotherWorkerOfThePoolIsNotDisturbed) {
  start_storm({{"workers", {{"max", 2}}}});
  const Json other = daemon_.acquire("a", "other");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ask(other.at("address"), "/denied").at("errno"), "EPERM");
  EXPECT_EQ(daemon_.worker(other.at("worker")).at("held_back"), 0);
}

// While the daemon stands still a storm of somebody else's fills its buffer: that is said, and over with.
TEST_F(DenialStorm, WhatIsLostIsCountedAndTheNextDenialIsSeen) {
  start_with("a", testee_pool({"serve"}, {{"workers", {{"min", 0}}}}));
  status_when_tested(daemon_);
  daemon_.signal(SIGSTOP);
  constexpr int kCalls = 60'000;
  const auto begin = std::chrono::steady_clock::now();
  make_denied_calls(kCalls, 4242);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  RecordProperty("seconds", std::to_string(took.count()));
  daemon_.signal(SIGCONT);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  Json status;
  do {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "neither read nor counted: " << status;
    status = daemon_.get("/v1/status").at("denials");
  } while (status.at("lost").get<int>() + status.at("not_of_workers").get<int>() < kCalls);
  RecordProperty("lost", status.at("lost").dump());
  EXPECT_GT(status.at("lost"), 0) << "all fit into the buffer";
  const Json session = daemon_.acquire("a", "s");
  ask(session.at("address"), "/denied");
  EXPECT_EQ(daemon_.wait_for({.type = "seccomp_denied"}).at("syscall"), "mount");
}

}  // namespace
}  // namespace herd::test
