// How workers are started, and what is left when the daemon dies while it starts them.
#include <signal.h>

#include <random>
#include <set>
#include <thread>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

using Spawning = DaemonTest;

Json many_workers(int count) {
  return testee_pool({"serve"}, {{"workers", {{"min", count}, {"max", count}, {"spare", 0}}}});
}

// Pitfalls 6, 7: glibc's setuid in a child that shares memory would change the daemon's threads, and a
// handler of the daemon's would run in the child.
TEST_F(Spawning, ASignalStormWhileWorkersStartHarmsNothing) {
  constexpr int kWorkers = 24;
  daemon_.write_pool("a", many_workers(kWorkers));
  daemon_.start();
  int sent = 0;
  std::set<std::string> ready;
  while (ready.size() < kWorkers) {
    for (int i = 0; i < 200; ++i, ++sent)
      for (const int number : {SIGCHLD, SIGURG, SIGWINCH}) daemon_.signal(number);
    const Json list = daemon_.workers("a");
    for (const Json& worker : list)
      if (worker.at("state") == "idle") ready.insert(worker.at("id"));
    ASSERT_LT(sent, 2'000'000) << "the workers do not get ready";
  }
  for (const pid_t thread : threads_of(daemon_.pid())) {
    const auto status = status_of(std::to_string(daemon_.pid()) + "/task/" + std::to_string(thread));
    EXPECT_EQ(status.at("Uid"), "0\t0\t0\t0");
    EXPECT_EQ(status.at("Gid"), "0\t0\t0\t0");
  }
  EXPECT_EQ(daemon_.get("/v1/pools/a").at("counters").at("gone"), 0);
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
