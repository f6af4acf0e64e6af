// Workers and their cgroups: born in them, held by them, ended by them.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

namespace fs = std::filesystem;

class Cgroup : public DaemonTest {
 protected:
  [[nodiscard]] std::string leaf_of(const std::string& worker) const { return daemon_.leaf_of(worker); }
  /// Follows the pids controller's own count, as no event tells of a fork.
  std::size_t wait_for_processes(const std::string& worker, std::size_t wanted) {
    std::size_t found = 0;
    for (const auto end = std::chrono::steady_clock::now() + kPatience;
         std::chrono::steady_clock::now() < end;)
      if (found = processes_in(leaf_of(worker)).size(); found >= wanted) break;
    return found;
  }
};

// Pitfall 12: the forks come right after exec, long before a daemon could have moved anybody.
TEST_F(Cgroup, AnInstantForkersProcessesAreAllInside) {
  start_with("a", testee_pool({"stubborn-tree"}, {{"stop", {{"grace", "1ms"}}}}));
  const std::string worker = daemon_.wait_until_ready("a").at("id");
  constexpr std::size_t kTree = 1 + 1 + 3 + 6;  // init, the worker, its children, theirs
  ASSERT_EQ(wait_for_processes(worker, kTree), kTree);
  for (const pid_t pid : processes_in(leaf_of(worker))) {
    const std::string cgroups = text_of("/proc/" + std::to_string(pid) + "/cgroup");
    for (const char* line : {"0::", ":pids:", ":memory:"}) {
      if (cgroups.find(line) == std::string::npos) continue;
      EXPECT_NE(cgroups.find(line + leaf_of(worker) + "\n"), std::string::npos) << pid << ":\n" << cgroups;
    }
  }
}

// Pitfalls 17, 21: pids.max holds, and one stop ends it all.
TEST_F(Cgroup, AForkBombIsHeldByItsLimitAndEndsWithOneStop) {
  constexpr int kLimit = 60;
  start_with("a",
             testee_pool({"fork-bomb"}, {{"limits", {{"pids", kLimit}}}, {"stop", {{"grace", "100ms"}}}}));
  const std::string worker = daemon_.wait_until_ready("a").at("id");
  ASSERT_EQ(wait_for_processes(worker, kLimit), static_cast<std::size_t>(kLimit));
  EXPECT_EQ(daemon_.worker(worker).at("usage").at("pids"), kLimit);
  const auto before = std::chrono::steady_clock::now();
  daemon_.post("/v1/workers/" + worker + "/stop");
  const Json gone = daemon_.wait_for({.type = "worker_gone", .worker = worker});
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
  EXPECT_EQ(gone.at("reason").at("kind"), "stopped");
  EXPECT_FALSE(fs::exists(v2_mount() + leaf_of(worker)));
}

// Pitfall 21: RLIMIT_NPROC would count them together.
TEST_F(Cgroup, TwoWorkersOfOneUserEachHaveTheirOwnPids) {
  constexpr int kLimit = 30;
  start_with("a", testee_pool({"fork-bomb"}, {{"workers", {{"min", 2}, {"max", 2}}},
                                              {"sandbox", {{"user", "nobody"}}},
                                              {"limits", {{"pids", kLimit}}},
                                              {"stop", {{"grace", "100ms"}}}}));
  daemon_.wait_for_pool("a", [](const Json& pool) { return pool.at("workers").at("idle") == 2; });
  const Json workers = daemon_.workers("a");
  EXPECT_EQ(workers.at(0).at("uid"), workers.at(1).at("uid"));
  for (const Json& worker : workers)
    EXPECT_EQ(wait_for_processes(worker.at("id"), kLimit), static_cast<std::size_t>(kLimit)) << worker;
}

// Pitfall 13. The pool's cgroup is made a threaded domain behind the daemon's back, so none below it can hold
// processes.
TEST_F(Cgroup, OneThatCanHoldNoProcessIsAClearErrorAndLeavesNothing) {
  HERD_ONLY_WITH(!v2_mount().empty(), "v2 cgroup tree");
  daemon_.write_pool("a", testee_pool({"serve"}, {{"workers", {{"min", 0}}}, {"restart", {{"burst", 1}}}}));
  daemon_.start();
  const std::string pool = v2_mount() + "/" + daemon_.cgroup_root() + "/a";
  fs::create_directory(pool);
  fs::create_directory(pool + "/threads");
  std::ofstream(pool + "/threads/cgroup.type") << "threaded";
  ASSERT_EQ(text_of(pool + "/threads/cgroup.type"), "threaded\n");

  const Reply reply = daemon_.call("POST", "/v1/pools/a/sessions", {{"session", "s"}, {"timeout", "5s"}});
  EXPECT_EQ(reply.status, 503U) << reply.text;
  const Json gone = daemon_.wait_for({.type = "worker_gone", .pool = "a"});
  EXPECT_EQ(gone.at("reason").at("kind"), "setup_failed");
  EXPECT_EQ(gone.at("reason").at("errno"), EOPNOTSUPP);
  EXPECT_NE(gone.at("reason").at("text").get<std::string>().find("threaded"), std::string::npos) << gone;
  EXPECT_FALSE(fs::exists(v2_mount() + leaf_of(gone.at("worker"))));

  fs::remove(pool + "/threads");
  daemon_.post("/v1/pools/a/resume");
  daemon_.acquire("a", "s");
}

/// The first controller of the v2 tree that is not threaded: a cgroup that gives it to its children can't
/// hold processes itself (cgroups(7)). "" where there is none.
std::string domain_controller() {
  std::istringstream words(text_of(v2_mount() + "/cgroup.controllers"));
  for (std::string word; words >> word;)
    if (word != "cpu" && word != "cpuset" && word != "pids") return word;
  return "";
}

/// The top of the v2 tree, which is as it was once this is gone.
class GivingTop {
 protected:
  ~GivingTop() {
    if (!controller_.empty() && !was_given_) write_to(v2_mount(), "-" + controller_);
  }
  static std::string given_at(const std::string& cgroup) {
    return text_of(cgroup + "/cgroup.subtree_control");
  }
  static void write_to(const std::string& cgroup, const std::string& word) {
    std::ofstream(cgroup + "/cgroup.subtree_control") << word;
  }
  /// From the top down: no cgroup has what its parent does not give.
  void give_down_to(const std::string& leaf) const {
    std::string cgroup = v2_mount();
    write_to(cgroup, "+" + controller_);
    for (const fs::path& part : fs::path(leaf).relative_path()) {
      cgroup += "/" + part.string();
      write_to(cgroup, "+" + controller_);
    }
  }

  const UniqueFd lock_ = lock_host("cgroup-top");
  const std::string controller_ = domain_controller();
  const bool was_given_ = given_at(v2_mount()).find(controller_) != std::string::npos;
};

/// The top comes first and goes last: it takes nothing back while the daemon's tree still gives it.
class CgroupThatGivesAController : private GivingTop, public Cgroup {
 protected:
  void SetUp() override {
    Cgroup::SetUp();
    HERD_ONLY_WITH(!controller_.empty(), "v2 controller that is not threaded");
  }
  using GivingTop::given_at, GivingTop::give_down_to;
};

// Pitfall 13. The worker's cgroup is made an inner one behind the daemon's back.
TEST_F(CgroupThatGivesAController, IsAClearErrorAndLeavesNothing) {
  daemon_.write_pool("a", testee_pool({"serve"}, {{"workers", {{"min", 0}}}, {"restart", {{"burst", 1}}}}));
  daemon_.start();
  const std::string leaf = leaf_of("a-1");  // its state directory is new
  fs::create_directories(v2_mount() + leaf);
  give_down_to(leaf);
  ASSERT_NE(given_at(v2_mount() + leaf), "");

  const Reply reply = daemon_.call("POST", "/v1/pools/a/sessions", {{"session", "s"}, {"timeout", "5s"}});
  EXPECT_EQ(reply.status, 503U) << reply.text;
  const Json gone = daemon_.wait_for({.type = "worker_gone", .worker = "a-1"});
  EXPECT_EQ(gone.at("reason").at("kind"), "setup_failed");
  EXPECT_EQ(gone.at("reason").at("errno"), EBUSY);
  EXPECT_NE(gone.at("reason").at("text").get<std::string>().find("controllers given to children"),
            std::string::npos)
      << gone;
  EXPECT_FALSE(fs::exists(v2_mount() + leaf));

  daemon_.post("/v1/pools/a/resume");
  daemon_.acquire("a", "s");
}

// A limit that this kernel does not take is a reason not to start, never left out silently.
TEST_F(Cgroup, LimitsAreWhatThePoolFileSaysAndAreReadBack) {
  start_with("a", testee_pool({"serve"}, {{"limits", {{"memory", "40MiB"}, {"pids", 17}, {"cpu", 0.25}}}}));
  const Json record = daemon_.wait_until_ready("a");
  std::map<std::string, std::string> found;
  for (const Json& check : record.at("isolation").at("checks")) {
    EXPECT_TRUE(check.at("ok")) << check;
    found[check.at("name")] = check.at("found");
  }
  EXPECT_EQ(found["limit pids.max"], "17");
  const std::string memory =
      found.contains("limit memory.max") ? "limit memory.max" : "limit memory.limit_in_bytes";
  EXPECT_EQ(found[memory], std::to_string(40 << 20));
  EXPECT_EQ(
      found.contains("limit cpu.max") ? found["limit cpu.max"] : found["limit cpu.cfs_quota_us"] + " 100000",
      "25000 100000");
}

}  // namespace
}  // namespace herd::test
