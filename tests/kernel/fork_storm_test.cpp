// Pitfall 17: every process of the worker forks without end while others come and go, also while the first
// ones are killed.
#include <signal.h>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

struct StormCase {
  const char* name;
  bool has_pid_namespace, stops_init;
};

class ForkStorm : public DaemonTest, public ::testing::WithParamInterface<StormCase> {
 protected:
  static constexpr std::size_t kCrowd = 100;  // it stays above this, and far below its limit

  /// With memory to spare: the kernel frees what ended processes had with some delay.
  static Json pool() {
    Json pool = testee_pool({"fork-storm"}, {{"workers", {{"min", 0}}},
                                             {"limits", {{"pids", 600}, {"memory", "2GiB"}, {"cpu", 0.5}}},
                                             {"stop", {{"grace", "100ms"}}}});
    if (!GetParam().has_pid_namespace) pool["sandbox"]["namespaces"] = {"mount", "ipc", "uts", "cgroup"};
    return pool;
  }
  /// Follows the cgroup's own list, as no event tells of a fork.
  [[nodiscard]] bool rages(const std::string& worker) const {
    for (const auto end = std::chrono::steady_clock::now() + kPatience;
         std::chrono::steady_clock::now() < end;)
      if (processes_in(daemon_.leaf_of(worker)).size() >= kCrowd) return true;
    return false;
  }
  Json start_storm() {
    start_with("a", pool());
    Json session = daemon_.acquire("a", "s");
    const pid_t init = std::stoi(status_of(session.at("pid").get<pid_t>())["PPid"]);
    EXPECT_EQ(status_of(init)["Name"], "herd-exec");
    EXPECT_TRUE(rages(session.at("worker")));
    if (GetParam().stops_init) ::kill(init, SIGSTOP);
    return session;
  }
};
INSTANTIATE_TEST_SUITE_P(All, ForkStorm,
                         ::testing::Values(StormCase{"OwnPids", true, false},
                                           StormCase{"HostsPids", false, false},
                                           StormCase{"OwnPidsInitStopped", true, true},
                                           StormCase{"HostsPidsInitStopped", false, true}),
                         [](const auto& one) { return one.param.name; });

TEST_P(ForkStorm, EndsWithOneStop) {
  HERD_ONLY_WITH(!v2_mount().empty(), "v2 cgroup tree");
  const std::string worker = start_storm().at("worker");
  daemon_.post("/v1/workers/" + worker + "/stop");
  EXPECT_EQ(daemon_.wait_for({.type = "worker_gone", .worker = worker}).at("reason").at("kind"), "stopped");
  EXPECT_TRUE(daemon_.leaf_directories(worker).empty());
  EXPECT_TRUE(processes_below(daemon_.cgroup_root()).empty());
}

class OrphanedForkStorm : public ForkStorm {};
INSTANTIATE_TEST_SUITE_P(All, OrphanedForkStorm,
                         ::testing::Values(StormCase{"OwnPids", true, false},
                                           StormCase{"HostsPids", false, false}),
                         [](const auto& one) { return one.param.name; });

// Nobody is there to force it: its init is alone with it.
TEST_P(OrphanedForkStorm, EndsWithTheDaemon) {
  HERD_ONLY_WITH(!v2_mount().empty(), "v2 cgroup tree");
  start_storm();
  daemon_.kill();
  EXPECT_TRUE(daemon_.workers_end_within(kPatience));
  daemon_.start();  // clears the leaf away
}

}  // namespace
}  // namespace herd::test
