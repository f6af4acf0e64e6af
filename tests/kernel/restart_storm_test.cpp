// Pitfall 60: a command that fails at once, again and again, and a daemon that is none the worse for it.
#include <algorithm>
#include <filesystem>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

namespace fs = std::filesystem;

class RestartStorm : public DaemonTest {
 protected:
  static constexpr int kFailures = 1000;

  static Json bad_pool(int min, const std::string& backoff_min, const std::string& backoff_max) {
    return testee_pool(
        {"exit", "1"},
        {{"workers", {{"min", min}, {"max", 8}}},
         {"restart", {{"backoff_min", backoff_min}, {"backoff_max", backoff_max}, {"burst", 10'000}}}});
  }
  void SetUp() override {
    DaemonTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    daemon_.write_pool("bad", bad_pool(0, "1ms", "5ms"));
    daemon_.write_pool("good", testee_pool({"serve"}));
    daemon_.start();
    good_ = daemon_.acquire("good", "s");
    daemon_.wait_for({.type = "session_started", .pool = "good"});  // the stream of events is an fd, too
    fds_ = open_fds_of(daemon_.pid());
    daemon_.post("/v1/pools/bad/scale", {{"min", 4}});
  }
  int count(const char* counter) { return daemon_.get("/v1/pools/bad").at("counters").at(counter); }
  /// The other pool is asked between any two looks. Each failure has its own patience.
  void wait_for_failures(int wanted) {
    auto deadline = std::chrono::steady_clock::now() + kPatience;
    for (int last = 0, now = 0; last < wanted; last = now) {
      last_gone_ = daemon_.wait_for({.type = "worker_gone", .pool = "bad", .after = last_gone_}).at("seq");
      ASSERT_EQ(daemon_.acquire("good", "s").at("pid"), good_.at("pid")) << "the other pool was disturbed";
      now = count("crashed");
      if (now > last) deadline = std::chrono::steady_clock::now() + kPatience;
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "only " << now << " failures";
    }
  }
  /// From the next failure on nothing is started for longer than any test lasts.
  void calm_down() {
    daemon_.write_pool("bad", bad_pool(4, "10m", "10m"));
    daemon_.post("/v1/reload");
    daemon_.wait_for_pool("bad", [](const Json& pool) {
      const Json& counters = pool.at("counters");
      return pool.at("backoff_ms") > 60'000 && counters.at("started") == counters.at("gone");
    });
  }
  [[nodiscard]] std::vector<std::string> leaves() const {
    std::vector<std::string> found;
    std::error_code error;
    for (const CgroupMount& mount : cgroup_mounts())
      for (const auto& entry :
           fs::directory_iterator(mount.path + "/" + daemon_.cgroup_root() + "/bad", error))
        if (entry.is_directory()) found.push_back(entry.path());
    return found;
  }
  Json good_;
  int fds_ = 0;
  std::uint64_t last_gone_ = 0;  // the event's seq
};

TEST_F(RestartStorm, AThousandFailuresLeaveNothingAndDisturbNobody) {
  wait_for_failures(kFailures);
  calm_down();
  EXPECT_EQ(open_fds_of(daemon_.pid()), fds_);
  EXPECT_TRUE(leaves().empty()) << Json(leaves());
  EXPECT_EQ(count("started"), count("gone"));
  EXPECT_LT(cpu_share_of(daemon_.pid(), 1s), 0.2) << "there is nothing to do";
}

TEST_F(RestartStorm, AStopInItsMiddleEndsIt) {
  wait_for_failures(50);
  daemon_.stop();
}

// The wait for the next try would be longer than the patience of stop().
TEST_F(RestartStorm, AStopDuringTheBackoffDoesNotWaitForItsEnd) {
  calm_down();
  daemon_.stop();
}

}  // namespace
}  // namespace herd::test
