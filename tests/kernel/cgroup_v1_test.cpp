// Tracking on v1 alone, where there is no cgroup.kill: a tree is frozen, killed and thawed.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "common/kernel/cgroup.hpp"
#include "tests/support/host.hpp"
#include "tests/support/needs.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::test {
namespace {

using kernel::Controller;

class CgroupV1 : public ::testing::Test {
 protected:
  static constexpr int kLimit = 600;

  void SetUp() override {
    HERD_NEEDS(can_run_workers(), "root and a cgroup tree");
    HERD_ONLY_WITH(!freezer_.empty() && !v1_mount("pids").empty(), "v1 freezer and pids hierarchies");
    kernel::CgroupLayout layout;
    layout.hierarchies.push_back({freezer_, false, {}, true});
    layout.hierarchies.push_back({v1_mount("pids"), false, {Controller::pids}, false});
    auto opened = kernel::Cgroups::open(layout, root_);
    ASSERT_TRUE(opened) << opened.error().message;
    cgroups_.emplace(std::move(*opened));
    auto made =
        cgroups_->create("pool", "pool-1", {.memory = {}, .swap = {}, .cpu = {}, .pids = kLimit}, nullptr);
    ASSERT_TRUE(made) << made.error().message;
    leaf_ = std::move(*made);
  }
  void TearDown() override {
    if (!cgroups_) return;
    EXPECT_TRUE(cgroups_->clean());
    cgroups_->remove_root();
  }
  Process start(const std::vector<std::string>& behaviour) {
    std::vector<std::string> arguments{HERD_TEST_TESTEE};
    arguments.insert(arguments.end(), behaviour.begin(), behaviour.end());
    return Process(arguments, {.environment = {}, .before_exec = [this] { join(); }, .output = ""});
  }
  void join() const {
    for (const std::string& mount : {freezer_, v1_mount("pids")}) {
      const int file = ::open((mount + "/" + root_ + "/pool/pool-1/tasks").c_str(), O_WRONLY | O_CLOEXEC);
      (void)!::write(file, "0", 1);
    }
  }
  /// No event tells of a fork, nor on v1 of a cgroup's last process.
  [[nodiscard]] std::size_t count() const { return leaf_.processes().value_or(std::vector<int>{}).size(); }
  [[nodiscard]] bool has_processes_within(std::size_t wanted, std::chrono::milliseconds deadline) const {
    for (const auto end = std::chrono::steady_clock::now() + deadline;
         std::chrono::steady_clock::now() < end;)
      if (count() >= wanted) return true;
    return false;
  }
  [[nodiscard]] bool empties_within(std::chrono::milliseconds deadline) const {
    for (const auto end = std::chrono::steady_clock::now() + deadline;
         std::chrono::steady_clock::now() < end;) {
      while (::waitpid(-1, nullptr, WNOHANG | __WNOTHREAD) > 0) {
      }
      if (count() == 0) return true;
    }
    return false;
  }
  void freeze(const std::string& cgroup) const {
    std::ofstream(freezer_ + "/" + root_ + cgroup + "/freezer.state") << "FROZEN";
    ASSERT_NE(state(), "THAWED\n");
  }
  void expect_cleaned() {
    const auto cleaned = cgroups_->clean();
    if (cleaned) return;
    ADD_FAILURE() << cleaned.error().message;
    for (const char* cgroup : {"/pool", "/pool/pool-1"})  // or this test's own processes stay for ever
      std::ofstream(freezer_ + "/" + root_ + cgroup + "/freezer.state") << "THAWED";
    (void)leaf_.kill();
  }
  [[nodiscard]] std::string state() const {
    return text_of(freezer_ + "/" + root_ + "/pool/pool-1/freezer.state");
  }

  const std::string freezer_ = v1_mount("freezer");
  const std::string root_ = "herd-test-v1-" + std::to_string(::getpid());
  std::optional<kernel::Cgroups> cgroups_;
  kernel::WorkerCgroup leaf_;
};

// Pitfalls 17, 18.
TEST_F(CgroupV1, AForkBombEndsWithOneKillAndTheCgroupIsThawed) {
  EXPECT_EQ(cgroups_->layout().kind(), "v1");
  const Process bomb = start({"fork-bomb", std::to_string(kLimit - 1)});
  ASSERT_TRUE(has_processes_within(kLimit, kPatience));
  ASSERT_TRUE(leaf_.kill());
  EXPECT_EQ(state(), "THAWED\n");
  EXPECT_TRUE(ends_within(bomb.pidfd(), kPatience));
}

// Pitfall 17: here every process forks all the time, far from the limit, also while the first ones are
// killed.
TEST_F(CgroupV1, AForkStormEndsWithOneKill) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  Process bomb = start({"fork-storm"});
  ASSERT_TRUE(has_processes_within(100, kPatience));
  ASSERT_TRUE(leaf_.kill());
  EXPECT_EQ(state(), "THAWED\n");
  EXPECT_TRUE(bomb.wait(kPatience));
  EXPECT_TRUE(empties_within(kPatience));
}

// Pitfall 18: what an error left frozen neither dies nor lets its cgroup be removed, unless it is thawed.
TEST_F(CgroupV1, AFrozenTreeIsKilledAndThawed) {
  const Process worker = start({"sigterm-default"});
  ASSERT_TRUE(leaf_.is_populated().value_or(false));
  freeze("/pool/pool-1");
  ASSERT_TRUE(leaf_.kill());
  EXPECT_EQ(state(), "THAWED\n");
  EXPECT_TRUE(ends_within(worker.pidfd(), kPatience));
}

// The start of a daemon clears up what an earlier one left, also frozen.
TEST_F(CgroupV1, WhatAnEarlierRunLeftFrozenIsCleanedAway) {
  const Process worker = start({"sigterm-default"});
  freeze("/pool/pool-1");
  expect_cleaned();
  EXPECT_TRUE(ends_within(worker.pidfd(), 0ms));
}

// It was thawed itself, which does nothing below a frozen cgroup, and the daemon did not start.
TEST_F(CgroupV1, WhatAnEarlierRunLeftBelowAFrozenPoolIsCleanedAway) {
  const Process worker = start({"sigterm-default"});
  freeze("/pool");
  expect_cleaned();
  EXPECT_TRUE(ends_within(worker.pidfd(), 0ms));
}

TEST_F(CgroupV1, AForkStormThatAnEarlierRunLeftIsCleanedAway) {
  Process storm = start({"fork-storm"});
  ASSERT_TRUE(has_processes_within(100, kPatience));
  expect_cleaned();
  EXPECT_TRUE(storm.wait(0ms));
}

}  // namespace
}  // namespace herd::test
