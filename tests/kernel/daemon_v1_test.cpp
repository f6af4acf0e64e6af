// herdd on a host that has no v2 tree: its workers are tracked and ended in v1's freezer.
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>

#include <fstream>

#include "tests/support/daemon_test.hpp"
#include "tests/support/denied_calls.hpp"

namespace herd::test {
namespace {

/// In a mount namespace of its own: the host's trees are not touched.
void hide_v2() {
  if (::unshare(CLONE_NEWNS) != 0) ::_exit(126);
  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  for (const CgroupMount& mount : cgroup_mounts())
    if (mount.is_v2) ::umount2(mount.path.c_str(), MNT_DETACH);
  if (!v2_mount().empty()) ::_exit(126);
}

class DaemonOnV1 : public ::testing::Test {
 protected:
  void SetUp() override {
    HERD_NEEDS(can_run_workers(), "root and a cgroup tree");
    HERD_ONLY_WITH(!freezer_.empty() && !v1_mount("pids").empty(), "v1 freezer and pids hierarchies");
  }
  void TearDown() override {
    if (daemon_.is_running()) daemon_.stop();
    if (HasFailure()) std::cerr << "---- the daemon's log\n" << daemon_.log() << "----\n";
  }
  void start(const std::vector<std::string>& behaviour, const Json& overrides = Json::object()) {
    Json pool = testee_pool(behaviour, {{"workers", {{"min", 0}}}, {"stop", {{"grace", "100ms"}}}});
    pool.merge_patch(overrides);
    daemon_.write_pool("a", pool);
    daemon_.start();
    session_ = daemon_.acquire("a", "s");
    worker_ = session_.at("worker");
    leaf_ = freezer_ + daemon_.leaf_of(worker_);
    ASSERT_FALSE(processes().empty()) << "it is not tracked on v1";
  }
  [[nodiscard]] std::string processes() const { return text_of(leaf_ + "/cgroup.procs"); }
  void freeze() {
    std::ofstream(leaf_ + "/freezer.state") << "FROZEN";
    for (const auto end = std::chrono::steady_clock::now() + kPatience;
         std::chrono::steady_clock::now() < end;)
      if (text_of(leaf_ + "/freezer.state") == "FROZEN\n") return;
    FAIL() << text_of(leaf_ + "/freezer.state");
  }
  void expect_gone(const std::string& reason) {
    EXPECT_EQ(daemon_.wait_for({.type = "worker_gone", .worker = worker_}).at("reason").at("kind"), reason);
    expect_nothing_left();
  }
  void expect_nothing_left() {
    EXPECT_TRUE(daemon_.leaf_directories(worker_).empty());
    EXPECT_TRUE(processes_below(daemon_.cgroup_root()).empty());
  }

  TestDaemon daemon_{{.before_exec = hide_v2}};
  const std::string freezer_ = v1_mount("freezer");
  Json session_;
  std::string worker_, leaf_;
};

TEST_F(DaemonOnV1, AWorkerIsVerifiedServesAndStops) {
  start({"serve"});
  const Json record = daemon_.worker(worker_);
  for (const Json& check : record.at("isolation").at("checks")) EXPECT_TRUE(check.at("ok")) << check;
  EXPECT_EQ(ask(session_.at("address"), "/").at("worker"), worker_);
  daemon_.post("/v1/workers/" + worker_ + "/stop");
  expect_gone("stopped");
}

// Pitfall 18.
TEST_F(DaemonOnV1, AFrozenWorkerIsEndedByAStop) {
  start({"serve"});
  freeze();
  daemon_.post("/v1/workers/" + worker_ + "/stop");
  expect_gone("stopped");
}

// Pitfall 18.
TEST_F(DaemonOnV1, AFrozenWorkerIsEndedWithTheDaemon) {
  start({"serve"});
  freeze();
  daemon_.stop();
  expect_nothing_left();
}

// Pitfall 18.
TEST_F(DaemonOnV1, AFrozenWorkerOfAKilledDaemonIsEndedByTheNext) {
  start({"serve"});
  freeze();
  daemon_.kill();
  daemon_.start();
  expect_nothing_left();
}

// Pitfall 17, without a pid namespace: with one, the end of its init is the end of all.
TEST_F(DaemonOnV1, AForkStormIsEndedByAStop) {
  start({"fork-storm"}, {{"limits", {{"pids", 600}, {"memory", "2GiB"}, {"cpu", 0.5}}},
                         {"sandbox", {{"namespaces", {"mount", "ipc", "uts", "cgroup"}}}}});
  const pid_t init = std::stoi(status_of(session_.at("pid").get<pid_t>())["PPid"]);
  ASSERT_EQ(status_of(init)["Name"], "herd-exec");
  ::kill(init, SIGSTOP);  // so that the daemon has to
  daemon_.post("/v1/workers/" + worker_ + "/stop");
  expect_gone("stopped");
}

// What is frozen on v1 does not even die: a worker that is held back is thawed before it is ended.
TEST_F(DaemonOnV1, AStormOfDeniedCallsIsHeldBackAndEnded) {
  HERD_NEEDS(can_see_denials(), "audit records of denied calls");
  const UniqueFd lock = lock_host("actions_logged");
  start({"serve"});
  ask(session_.at("address"), "/storm?1000000");
  daemon_.wait_for({.type = "worker_held_back", .worker = worker_});
  daemon_.post("/v1/workers/" + worker_ + "/stop");
  expect_gone("stopped");
}

TEST_F(DaemonOnV1, ADaemonThatIsKilledInAStormLeavesNobodyFrozen) {
  HERD_NEEDS(can_see_denials(), "audit records of denied calls");
  const UniqueFd lock = lock_host("actions_logged");
  start({"serve"});
  ask(session_.at("address"), "/storm?1000000");
  daemon_.wait_for({.type = "worker_held_back", .worker = worker_});
  daemon_.kill();
  EXPECT_TRUE(daemon_.workers_end_within(kPatience));
  daemon_.start();  // it removes what the killed one has left
  daemon_.stop();
}

}  // namespace
}  // namespace herd::test
