// herd-exec as the init of a worker's tree.
#include <signal.h>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

using Init = DaemonTest;

Json without_pid_namespace(Json pool) {
  pool["sandbox"]["namespaces"] = {"mount", "ipc", "uts", "cgroup"};
  return pool;
}

class InitEitherWay : public DaemonTest, public ::testing::WithParamInterface<bool> {
 protected:
  [[nodiscard]] static Json pool(const std::vector<std::string>& behaviour) {
    const Json pool = testee_pool(behaviour);
    return GetParam() ? pool : without_pid_namespace(pool);
  }
};
INSTANTIATE_TEST_SUITE_P(PidNamespace, InitEitherWay, ::testing::Bool(),
                         [](const auto& one) { return one.param ? "Own" : "Hosts"; });

// Pitfall 22: as PID 1 itself it would never get the signal.
TEST_P(InitEitherWay, SigtermEndsAWorkerThatHandlesNothing) {
  start_with("a", pool({"sigterm-default"}));
  const std::string worker = daemon_.wait_until_ready("a").at("id");
  const auto before = std::chrono::steady_clock::now();
  daemon_.post("/v1/workers/" + worker + "/stop");
  EXPECT_EQ(daemon_.wait_for({.type = "worker_gone", .worker = worker}).at("reason").at("kind"), "stopped");
  EXPECT_LT(std::chrono::steady_clock::now() - before, 4s) << "its grace is 5 s";
}

// Pitfall 22.
TEST_P(InitEitherWay, OrphansAreReaped) {
  start_with("a", pool({"orphans", "30"}));
  const std::string worker = daemon_.wait_until_ready("a").at("id");
  daemon_.wait_for_line(worker, [](const Json& line) { return line.at("text") == "orphans gone"; });
}

TEST_P(InitEitherWay, AChildThatBecameADaemonEndsWithTheWorker) {
  start_with("a", pool({"daemonize"}));
  const Json gone = daemon_.wait_for({.type = "worker_gone", .pool = "a"});
  EXPECT_EQ(gone.at("reason").at("kind"), "exited");
  EXPECT_EQ(gone.at("reason").at("code"), 0);
  const std::string leaf = "/" + daemon_.cgroup_root() + "/a/" + gone.at("worker").get<std::string>();
  EXPECT_TRUE(processes_in(leaf).empty());
}

TEST_P(InitEitherWay, ATreeThatIgnoresSigtermIsKilledAfterItsGrace) {
  Json stubborn = pool({"stubborn-tree"});
  stubborn["stop"]["grace"] = "200ms";
  start_with("a", stubborn);
  const std::string worker = daemon_.wait_until_ready("a").at("id");
  const auto before = std::chrono::steady_clock::now();
  daemon_.post("/v1/workers/" + worker + "/stop");
  EXPECT_EQ(daemon_.wait_for({.type = "worker_gone", .worker = worker}).at("reason").at("kind"), "stopped");
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_GE(took, 200ms);
  EXPECT_LT(took, 2s) << "the init did it, not the daemon's force after two seconds more";
}

TEST_F(Init, AWorkerThatClosedAllItsFdsStillEndsCleanly) {
  start_with("a", testee_pool({"close-fds"}));
  const std::string worker = daemon_.wait_until_ready("a").at("id");
  daemon_.post("/v1/workers/" + worker + "/stop");
  EXPECT_EQ(daemon_.wait_for({.type = "worker_gone", .worker = worker}).at("reason").at("kind"), "stopped");
}

// The ends of its output pipes stay readable for ever then.
TEST_F(Init, AWorkerThatClosedAllItsFdsKeepsTheDaemonIdleAndItsSession) {
  start_with("a", testee_pool({"close-fds"}));
  const Json session = daemon_.acquire("a", "s");
  EXPECT_LT(cpu_share_of(daemon_.pid(), 500ms), 0.2);
  EXPECT_EQ(daemon_.acquire("a", "s").at("pid"), session.at("pid"));
}

TEST_F(Init, WhenTheInitIsKilledTheTreeIsGoneAndTheReasonSaysSo) {
  start_with("a", testee_pool({"stubborn-tree"}));
  const Json worker = daemon_.wait_until_ready("a");
  const pid_t init = std::stoi(status_of(worker.at("pid").get<pid_t>())["PPid"]);
  ASSERT_EQ(status_of(init)["Name"], "herd-exec");
  ::kill(init, SIGKILL);
  const Json gone = daemon_.wait_for({.type = "worker_gone", .worker = worker.at("id")});
  EXPECT_EQ(gone.at("reason").at("kind"), "signaled");
  EXPECT_EQ(gone.at("reason").at("signal"), SIGKILL);
}

TEST_F(Init, TheWorkersStdinIsEmptyAndItsExitCodeIsTold) {
  start_with("a", testee_pool({"exit-on-stdin-eof", "7"}));
  const Json gone = daemon_.wait_for({.type = "worker_gone", .pool = "a"});
  EXPECT_EQ(gone.at("reason").at("kind"), "exited");
  EXPECT_EQ(gone.at("reason").at("code"), 7);
}

}  // namespace
}  // namespace herd::test
