// How workers are started, and what is left when the daemon dies while it starts them.
#include <signal.h>
#include <unistd.h>

#include <random>
#include <thread>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

using Spawning = DaemonTest;

Json many_workers(int count) {
  return testee_pool({"serve"}, {{"workers", {{"min", count}, {"max", count}, {"spare", 0}}}});
}

/// A daemon that leads a process group, to which herd-exec belongs too until it makes a session of its own.
class SpawningStorm : public DaemonTest {
 protected:
  void TearDown() override {
    if (leader_.is_running()) leader_.stop();
    DaemonTest::TearDown();
  }
  /// SIGHUP, which the daemon handles and which by default ends, and what is ignored by default.
  void send_to_all() {
    for (int i = 0; i < 50; ++i)
      for (const int number : {SIGCHLD, SIGURG, SIGWINCH}) ::kill(-leader_.pid(), number);
    ::kill(-leader_.pid(), SIGHUP);
  }
  TestDaemon leader_{{.before_exec = [] { ::setpgid(0, 0); }}};
};

// Pitfalls 6, 7: glibc's setuid in a child that shares memory would change the daemon's threads; a signal
// would end the child before its exec, or run a handler of the daemon's in it.
TEST_F(SpawningStorm, OfSignalsWhileWorkersStartHarmsNothing) {
  constexpr int kWorkers = 24;
  Json pool = many_workers(kWorkers);
  pool["workers"]["min"] = 0;
  leader_.write_pool("a", pool);
  leader_.start();
  leader_.post("/v1/pools/a/scale", {{"min", kWorkers}});
  leader_.wait_for_pool("a", [this](const Json& now) {
    send_to_all();
    return now.at("workers").at("idle") == kWorkers || now.at("counters").at("gone") != 0;
  });
  for (const pid_t thread : threads_of(leader_.pid())) {
    const auto status = status_of(std::to_string(leader_.pid()) + "/task/" + std::to_string(thread));
    EXPECT_EQ(status.at("Uid"), "0\t0\t0\t0");
    EXPECT_EQ(status.at("Gid"), "0\t0\t0\t0");
  }
  EXPECT_EQ(leader_.get("/v1/pools/a").at("counters").at("gone"), 0);
  EXPECT_GT(leader_.get("/v1/status").at("generation"), 1) << "the daemon's handler did not run";
}

// Pitfall 51.
TEST_F(Spawning, ThePidThatIsToldIsTheWorkersOwnOnTheHost) {
  daemon_.write_pool("a", many_workers(1));
  daemon_.start();
  const Json session = daemon_.acquire("a", "s");
  const pid_t pid = session.at("pid");
  EXPECT_EQ(status_of(pid)["Name"], "testee");
  const std::string cgroup = "/" + daemon_.cgroup_root() + "/a/" + session.at("worker").get<std::string>();
  EXPECT_NE(text_of("/proc/" + std::to_string(pid) + "/cgroup").find("0::" + cgroup + "\n"),
            std::string::npos);
  const auto ids = status_of(pid)["NSpid"];
  EXPECT_TRUE(ids.ends_with("\t2")) << ids << ": in its own pid namespace it is init's first child";
  EXPECT_EQ(ask(session.at("address"), "/").at("pid"), 2);
}

// Pitfall 11, and the owner's line: nobody owns the workers any more, so their inits end them.
TEST_F(Spawning, WhenTheDaemonIsKilledAllWorkersEnd) {
  daemon_.write_pool("a", many_workers(6));
  daemon_.write_pool("b", testee_pool({"stubborn-tree"}, {{"stop", {{"grace", "300ms"}}}}));
  daemon_.start();
  daemon_.acquire("a", "s");
  daemon_.wait_until_ready("b");
  daemon_.kill();
  EXPECT_TRUE(daemon_.workers_end_within(kPatience));
  EXPECT_TRUE(processes_below(daemon_.cgroup_root()).empty());
}

TEST_F(Spawning, TheNextDaemonRemovesTheCgroupsThatAKilledOneLeft) {
  daemon_.write_pool("a", many_workers(3));
  daemon_.start();
  const Json before = daemon_.acquire("a", "s");
  daemon_.kill();
  // At once, while the old workers may still be there.
  daemon_.start();
  const Json after = daemon_.acquire("a", "s");
  EXPECT_NE(after.at("worker"), before.at("worker"));
  EXPECT_FALSE(is_running(before.at("pid")));
  const std::string left =
      v2_mount() + "/" + daemon_.cgroup_root() + "/a/" + before.at("worker").get<std::string>();
  EXPECT_TRUE(text_of(left + "/cgroup.procs").empty());
}

// Pitfall 11: at every moment of a start.
TEST_F(Spawning, KilledAtRandomMomentsOfAStartTheDaemonLeavesNothingRunning) {
  constexpr unsigned kSeed = 11;
  constexpr int kRounds = 20;
  std::mt19937 random(kSeed);
  std::uniform_int_distribution<int> microseconds(0, 150'000);
  daemon_.write_pool("a", many_workers(8));
  for (int round = 0; round < kRounds; ++round) {
    daemon_.launch();
    const auto moment = std::chrono::microseconds(microseconds(random));
    std::this_thread::sleep_for(moment);  // not a wait: the random moment is what is tried
    daemon_.kill();
    ASSERT_TRUE(daemon_.workers_end_within(kPatience))
        << "seed " << kSeed << " round " << round << ": killed after " << moment.count() << " us";
    ASSERT_TRUE(processes_below(daemon_.cgroup_root()).empty()) << "seed " << kSeed << " round " << round;
  }
  daemon_.start();  // and the next one clears up and works
  daemon_.acquire("a", "s");
}

TEST_F(Spawning, TheDaemonsFdsAreBackWhereTheyWereAfterManyWorkers) {
  daemon_.write_pool("a", testee_pool({"serve"}, {{"workers", {{"min", 0}, {"max", 4}, {"spare", 0}}}}));
  daemon_.start();
  const auto serve_some = [this](int count) {
    for (int i = 0; i < count; ++i) {
      const Json session = daemon_.acquire("a", "s");
      daemon_.remove("/v1/pools/a/sessions/s");
      daemon_.wait_for({.type = "worker_gone", .worker = session.at("worker")});
    }
  };
  serve_some(2);
  const int before = open_fds_of(daemon_.pid());
  serve_some(20);
  EXPECT_EQ(open_fds_of(daemon_.pid()), before);
}

}  // namespace
}  // namespace herd::test
