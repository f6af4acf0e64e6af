// Pitfall 18: whatever left a worker's cgroup frozen, each way of ending it still does, and the cgroup goes.
#include <signal.h>

#include <fstream>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

class Frozen : public DaemonTest {
 protected:
  void SetUp() override {
    DaemonTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    HERD_ONLY_WITH(!v2_mount().empty(), "v2 cgroup tree");
    start_with("a", testee_pool({"serve"}, {{"workers", {{"min", 0}}}, {"stop", {{"grace", "100ms"}}}}));
    session_ = daemon_.acquire("a", "s");
    worker_ = session_.at("worker");
    freeze();
  }
  void freeze() {
    const std::string leaf = v2_mount() + daemon_.leaf_of(worker_);
    std::ofstream(leaf + "/cgroup.freeze") << "1";
    for (const auto end = std::chrono::steady_clock::now() + kPatience;
         std::chrono::steady_clock::now() < end;)
      if (text_of(leaf + "/cgroup.events").find("frozen 1") != std::string::npos) return;
    FAIL() << "not frozen: " << text_of(leaf + "/cgroup.events");
  }
  void expect_gone(const std::string& reason) {
    EXPECT_EQ(daemon_.wait_for({.type = "worker_gone", .worker = worker_}).at("reason").at("kind"), reason);
    expect_nothing_left();
  }
  void expect_nothing_left() {
    EXPECT_TRUE(daemon_.leaf_directories(worker_).empty());
    EXPECT_FALSE(is_running(session_.at("pid")));
  }
  Json session_;
  std::string worker_;
};

TEST_F(Frozen, AStopEndsIt) {
  daemon_.post("/v1/workers/" + worker_ + "/stop");
  expect_gone("stopped");
}

TEST_F(Frozen, TheEndOfItsSessionEndsIt) {
  daemon_.remove("/v1/pools/a/sessions/s");
  expect_gone("session_ended");
}

TEST_F(Frozen, AlsoWhenItsPoolIsDrained) {
  daemon_.post("/v1/pools/a/drain");
  EXPECT_EQ(daemon_.get("/v1/pools/a/sessions/s").at("worker"), worker_) << "a session is kept";
  daemon_.remove("/v1/pools/a/sessions/s");
  expect_gone("session_ended");
}

TEST_F(Frozen, AReloadThatRemovesItsPoolEndsIt) {
  daemon_.remove_pool("a");
  daemon_.post("/v1/reload");
  expect_gone("stopped");
}

TEST_F(Frozen, TheEndOfTheDaemonEndsIt) {
  daemon_.stop();
  expect_nothing_left();
}

TEST_F(Frozen, TheNextDaemonEndsIt) {
  daemon_.kill();
  EXPECT_TRUE(is_running(session_.at("pid"))) << "else its init did it, and nothing is tried here";
  daemon_.start();
  expect_nothing_left();
}

}  // namespace
}  // namespace herd::test
