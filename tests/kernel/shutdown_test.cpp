// The daemon's own end, and two daemons at once.
#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

using Shutdown = DaemonTest;

// DaemonTest's own stop looks for everything that might be left.
TEST_F(Shutdown, SigtermEndsAllWorkersInGoodOrder) {
  daemon_.write_pool("a", testee_pool({"serve"}, {{"workers", {{"min", 4}, {"max", 4}}}}));
  daemon_.write_pool("b", testee_pool({"stubborn-tree"}, {{"stop", {{"grace", "100ms"}}}}));
  daemon_.write_pool(
      "c", testee_pool({"fork-bomb"}, {{"stop", {{"grace", "100ms"}}}, {"limits", {{"pids", 40}}}}));
  daemon_.start();
  const Json session = daemon_.acquire("a", "s");
  daemon_.wait_until_ready("b");
  daemon_.wait_until_ready("c");
  auto events = daemon_.open("GET", "/v1/events?since=0");
  daemon_.stop();
  std::string line, all;
  while (events.next(line).value_or(false)) all += line + "\n";
  EXPECT_NE(all.find("daemon_stopping"), std::string::npos) << all;
  EXPECT_EQ(all.find("oom_killed"), std::string::npos);
}

// Pitfall 41: a mask is inherited too.
TEST_F(Shutdown, AlsoWhereAllSignalsWereBlockedAtItsStart) {
  TestDaemon blocked{DaemonOptions{.before_exec = [] {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
  }}};
  blocked.write_pool("a", testee_pool({"serve"}));
  blocked.start();
  blocked.wait_until_ready("a");
  blocked.stop();
}

TEST_F(Shutdown, AlsoWhileWorkersAreStillStarting) {
  daemon_.write_pool("a", testee_pool({"slow-start", "5000"}, {{"workers", {{"min", 6}, {"max", 6}}}}));
  daemon_.start();
  const auto before = std::chrono::steady_clock::now();
  daemon_.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 4s);
}

TEST_F(Shutdown, ASecondSigtermDoesNoHarm) {
  start_with("a", testee_pool({"ignore-term"}, {{"stop", {{"grace", "300ms"}}}}));
  daemon_.wait_until_ready("a");
  daemon_.signal(SIGTERM);
  daemon_.stop();
}

// One that came when the handlers were gone already ended it by its signal.
TEST_F(Shutdown, NorDoManyUpToTheLastMoment) {
  start_with("a", testee_pool({"serve"}));
  daemon_.wait_until_ready("a");
  const UniqueFd pidfd = open_pidfd(daemon_.pid());
  while (!ends_within(pidfd, 0ms)) daemon_.signal(SIGTERM);
}

// Pitfall 56.
TEST_F(Shutdown, ASecondDaemonOnTheSameSocketRefusesAndHarmsNothing) {
  start_with("a", testee_pool({"serve"}));
  const Json session = daemon_.acquire("a", "s");
  EXPECT_EQ(daemon_.start_in_vain(), 1);
  EXPECT_NE(daemon_.log().find("cannot start"), std::string::npos);
  EXPECT_EQ(daemon_.acquire("a", "s").at("pid"), session.at("pid"));
  EXPECT_EQ(ask(session.at("address"), "/").at("worker"), session.at("worker"));
}

// It refused, but had removed the first one's workers' sockets by then.
TEST_F(Shutdown, ASecondDaemonInTheSameDirectoryRefusesAndHarmsNothing) {
  start_with("a", testee_pool({"serve"}));
  const Json session = daemon_.acquire("a", "s");
  const std::string other = daemon_.directory() + "/other.json";
  Json config = Json::parse(text_of(daemon_.directory() + "/herd.json"));
  config["control"]["path"] = std::filesystem::path(daemon_.socket()).replace_filename("other.sock").string();
  std::ofstream(other) << config.dump();
  const std::string command = std::string(HERD_TEST_HERDD) + " --config " + other + " 2>/dev/null";
  EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 1);
  EXPECT_FALSE(std::filesystem::exists(config["control"]["path"].get<std::string>()));
  EXPECT_EQ(ask(session.at("address"), "/").at("worker"), session.at("worker"));
}

// The grace was only looked at in a quiet moment, which this worker never has.
TEST_F(Shutdown, AWorkerThatIsNeverQuietDoesNotOutliveItsGraceWithoutTheDaemon) {
  start_with("a",
             testee_pool({"never-quiet"}, {{"stop", {{"grace", "200ms"}}}, {"limits", {{"cpu", "off"}}}}));
  daemon_.wait_until_ready("a");
  daemon_.kill();
  EXPECT_TRUE(daemon_.workers_end_within(20s));
  daemon_.start();  // clears the leaves away, and so stop() finds nothing
}

// They share the host's uids, and neither clears away the other's workers.
TEST_F(Shutdown, TwoDaemonsWithTheirOwnDirectoriesLiveSideBySide) {
  start_with("a", testee_pool({"serve"}));
  const Json mine = daemon_.acquire("a", "s");
  TestDaemon other;
  other.write_pool("a", testee_pool({"serve"}));
  other.start();
  const Json theirs = other.acquire("a", "s");
  EXPECT_NE(daemon_.worker(mine.at("worker")).at("uid"), other.worker(theirs.at("worker")).at("uid"));
  other.stop();
  EXPECT_EQ(ask(mine.at("address"), "/").at("worker"), mine.at("worker"));
}

TEST_F(Shutdown, ADaemonIsRefusedTheCgroupRootOfAnother) {
  daemon_.start();
  TestDaemon other{{.config = {{"cgroup", {{"root", daemon_.cgroup_root()}}}}}};
  EXPECT_EQ(other.start_in_vain(), 1);
  EXPECT_NE(other.log().find("another herdd has its workers in"), std::string::npos) << other.log();
}

TEST_F(Shutdown, AStaleSocketIsReplaced) {
  start_with("a", testee_pool({"serve"}));
  daemon_.kill();
  ASSERT_TRUE(daemon_.workers_end_within(kPatience));
  daemon_.start();
  daemon_.acquire("a", "s");
}

}  // namespace
}  // namespace herd::test
