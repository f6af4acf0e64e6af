// One leaf's state, usage and end, and what herd clears away, on a tree of plain files.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/common/kernel/fake_cgroups.hpp"

namespace herd::kernel {
namespace {

using enum Controller;
using testing::ElementsAre;
using testing::Pair;

class CgroupLeaf : public FakeCgroups {};

TEST_F(CgroupLeaf, AnEmptyOneIsHarmless) {
  const WorkerCgroup none;
  EXPECT_EQ(none.v2_directory(), -1);
  EXPECT_TRUE(none.kill());
  EXPECT_TRUE(none.remove());
  EXPECT_FALSE(none.is_populated().value_or(true));
  EXPECT_EQ(none.oom_kills().value_or(1), 0U);
  EXPECT_TRUE(none.read_limits().empty());
}

TEST_F(CgroupLeaf, IsNamedByRootPoolAndWorkerInEachHierarchy) {
  const WorkerCgroup cgroup = made({v2("v2", {}), v1("cpu", {cpu}), v1("freezer", {}, true)});
  EXPECT_EQ(cgroup.path(), "/herd/web/web-1");
  EXPECT_THAT(cgroup.paths_by_hierarchy(),
              ElementsAre(Pair("", "/herd/web/web-1"), Pair("cpu", "/herd/web/web-1"),
                          Pair("freezer", "/herd/web/web-1")));
}

TEST_F(CgroupLeaf, IsEnteredByItsV2DirectoryAndV1Tasks) {
  const WorkerCgroup cgroup = made({v2("v2", {}), v1("cpu", {cpu}), v1("pids", {pids})});
  EXPECT_GE(cgroup.v2_directory(), 0);
  ASSERT_EQ(cgroup.v1_tasks().size(), 2U);
  EXPECT_EQ(write(cgroup.v1_tasks()[1], "0", 1), 1);
  EXPECT_EQ(text(leaf("pids", "tasks")), "0");
}

TEST_F(CgroupLeaf, OnV1AloneHasNoV2Directory) {
  EXPECT_EQ(made({v1("pids", {pids})}).v2_directory(), -1);
}

TEST_F(CgroupLeaf, OnV2IsKilledByOneWrite) {
  put(leaf("v2", "cgroup.kill"), "");
  EXPECT_TRUE(made({v2("v2", {})}).kill());
  EXPECT_EQ(text(leaf("v2", "cgroup.kill")), "1");
}

TEST_F(CgroupLeaf, IsFrozenWhereItIsTracked) {
  put(leaf("v2", "cgroup.freeze"), "");
  put(leaf("freezer", "freezer.state"), "");
  const auto v2_freezer = made({v2("v2", {}), v1("cpu", {cpu})}).open_freezer();
  ASSERT_TRUE(v2_freezer && v2_freezer->is_there());
  EXPECT_TRUE(v2_freezer->freeze());
  EXPECT_EQ(text(leaf("v2", "cgroup.freeze")), "1");
  EXPECT_TRUE(v2_freezer->thaw());
  EXPECT_EQ(text(leaf("v2", "cgroup.freeze")), "0");
  const auto v1_freezer = made({v1("freezer", {}, true)}).open_freezer();
  ASSERT_TRUE(v1_freezer && v1_freezer->is_there());
  EXPECT_TRUE(v1_freezer->freeze());
  EXPECT_EQ(text(leaf("freezer", "freezer.state")), "FROZEN");
  EXPECT_EQ(v1_freezer->thaw_word(), "THAWED");
}

TEST_F(CgroupLeaf, WithoutAFreezerSaysSo) {
  const auto none = WorkerCgroup().open_freezer();
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->is_there());
  EXPECT_FALSE(none->freeze());
  EXPECT_FALSE(made({v1("pids", {pids})}).open_freezer()->is_there());
  EXPECT_FALSE(made({v2("v2", {})}).open_freezer()) << "a kernel that has none";
}

TEST_F(CgroupLeaf, OnV1IsKilledProcessByProcessAndThawed) {
  const pid_t child = fork();
  if (child == 0) {
    while (true) pause();
  }
  put(leaf("freezer", "cgroup.procs"), std::to_string(child) + "\n");
  put(leaf("freezer", "freezer.state"), "");
  EXPECT_TRUE(made({v1("freezer", {}, true)}).kill());
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_EQ(text(leaf("freezer", "freezer.state")), "THAWED");
}

// Pitfall 18: a frozen process does not die.
TEST_F(CgroupLeaf, OnV1IsThawedAlsoWhereItsProcessesCanNotBeRead) {
  put(leaf("freezer", "freezer.state"), "");
  EXPECT_FALSE(made({v1("freezer", {}, true)}).kill());
  EXPECT_EQ(text(leaf("freezer", "freezer.state")), "THAWED");
}

TEST_F(CgroupLeaf, OnV2IsPopulatedAsTheKernelSays) {
  const WorkerCgroup cgroup = made({v2("v2", {})});
  put(leaf("v2", "cgroup.events"), "populated 1\nfrozen 0\n");
  EXPECT_TRUE(cgroup.is_populated().value_or(false));
  put(leaf("v2", "cgroup.events"), "populated 0\nfrozen 0\n");
  EXPECT_FALSE(cgroup.is_populated().value_or(true));
}

TEST_F(CgroupLeaf, ThatDoesNotSayIsTakenForPopulated) {
  const WorkerCgroup cgroup = made({v2("v2", {})});
  EXPECT_FALSE(cgroup.is_populated()) << "no file: an error";
  put(leaf("v2", "cgroup.events"), "frozen 0\n");
  EXPECT_TRUE(cgroup.is_populated().value_or(false));
}

TEST_F(CgroupLeaf, OnV1IsPopulatedWhileItListsProcesses) {
  const WorkerCgroup cgroup = made({v1("pids", {pids})});
  put(leaf("pids", "cgroup.procs"), "12\n345\n");
  EXPECT_THAT(cgroup.processes().value_or(std::vector<int>{}), ElementsAre(12, 345));
  EXPECT_TRUE(cgroup.is_populated().value_or(false));
  put(leaf("pids", "cgroup.procs"), "");
  EXPECT_FALSE(cgroup.is_populated().value_or(true));
}

TEST_F(CgroupLeaf, CountsWhatTheOutOfMemoryKillerEnded) {
  put(leaf("v2", "memory.events"), "low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\noom_group_kill 1\n");
  EXPECT_EQ(made({v2("v2", {memory})}).oom_kills().value_or(0), 2U);
  put(leaf("memory", "memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n");
  EXPECT_EQ(made({v1("memory", {memory})}).oom_kills().value_or(0), 5U);
}

TEST_F(CgroupLeaf, UsageOnV2) {
  put(leaf("v2", "memory.current"), "4096\n");
  put(leaf("v2", "memory.peak"), "8192\n");
  put(leaf("v2", "pids.current"), "3\n");
  put(leaf("v2", "cpu.stat"), "usage_usec 1500000\nuser_usec 1000000\n");
  const CgroupUsage usage = made({v2("v2", {memory, pids})}).usage();
  EXPECT_EQ(usage.memory_bytes, 4096U);
  EXPECT_EQ(usage.memory_peak_bytes, 8192U);
  EXPECT_EQ(usage.pids, 3U);
  EXPECT_EQ(usage.cpu_seconds, 1.5);
}

TEST_F(CgroupLeaf, UsageThatCanNotBeHadIsEmptyAndNotZero) {
  put(leaf("memory", "memory.usage_in_bytes"), "4096\n");
  put(leaf("memory", "memory.max_usage_in_bytes"), "broken\n");
  const CgroupUsage usage = made({v1("memory", {memory})}).usage();
  EXPECT_EQ(usage.memory_bytes, 4096U);
  EXPECT_FALSE(usage.memory_peak_bytes);
  EXPECT_FALSE(usage.pids);
  EXPECT_FALSE(usage.cpu_seconds);
}

TEST_F(CgroupLeaf, IsRemovedFromAllHierarchiesAndAgain) {
  const WorkerCgroup cgroup = made({v2("v2", {}), v2("other", {})});
  EXPECT_TRUE(exists("other/herd/web/web-1"));
  EXPECT_TRUE(cgroup.remove());
  EXPECT_FALSE(exists("v2/herd/web/web-1"));
  EXPECT_FALSE(exists("other/herd/web/web-1"));
  EXPECT_TRUE(cgroup.remove());
}

TEST_F(CgroupLeaf, ThatCanNotBeRemovedIsSaidAndTheOthersGo) {
  const WorkerCgroup cgroup = made({v2("v2", {}), v2("other", {})});
  put("v2/herd/web/web-1/busy/file", "");
  const auto removed = cgroup.remove();
  ASSERT_FALSE(removed);
  EXPECT_TRUE(removed.error().message.starts_with("remove cgroup '" + at("v2/herd/web/web-1") + "': "));
  EXPECT_FALSE(exists("other/herd/web/web-1"));
}

class CgroupRoot : public FakeCgroups {};

TEST_F(CgroupRoot, IsMadeInEachHierarchyOnAllItsLevels) {
  const Hierarchy first = v2("v2", {}), second = v2("other", {});
  const auto cgroups = Cgroups::open({{first, second}}, "system/herd");
  ASSERT_TRUE(cgroups) << cgroups.error().message;
  EXPECT_EQ(cgroups->root_directory(), at("v2/system/herd"));
  EXPECT_TRUE(exists("v2/system/herd"));
  EXPECT_TRUE(exists("other/system/herd"));
}

TEST_F(CgroupRoot, WhatAnEarlierRunLeftIsCountedOnceAndCleared) {
  const Cgroups cgroups = opened({v2("v2", {}), v2("other", {})});
  for (const char* mount : {"v2", "other"})
    for (const char* worker : {"/herd/web/web-1/deeper", "/herd/web/web-2", "/herd/db/db-9"})
      std::filesystem::create_directories(at(mount) + worker);
  EXPECT_EQ(cgroups.clean().value_or(-1), 3);
  EXPECT_FALSE(exists("v2/herd/web"));
  EXPECT_FALSE(exists("other/herd/db"));
  EXPECT_TRUE(exists("v2/herd"));
  EXPECT_EQ(cgroups.clean().value_or(-1), 0);
}

TEST_F(CgroupRoot, WhatIsBesideItIsNotTouched) {
  const Cgroups cgroups = opened({v2("v2", {})});
  std::filesystem::create_directories(at("v2/herd-other/web/web-1"));
  std::filesystem::create_directories(at("v2/user.slice"));
  EXPECT_EQ(cgroups.clean().value_or(-1), 0);
  EXPECT_TRUE(exists("v2/herd-other/web/web-1"));
  EXPECT_TRUE(exists("v2/user.slice"));
}

TEST_F(CgroupRoot, APoolAndTheRootGoOnlyWhenTheyAreEmpty) {
  const Cgroups cgroups = opened({v2("v2", {})});
  const auto cgroup = cgroups.create("web", "web-1", {}, nullptr);
  ASSERT_TRUE(cgroup) << cgroup.error().message;
  cgroups.remove_pool("web");
  cgroups.remove_root();
  EXPECT_TRUE(exists("v2/herd/web/web-1"));
  ASSERT_TRUE(cgroup->remove());
  cgroups.remove_pool("web");
  cgroups.remove_root();
  EXPECT_FALSE(exists("v2/herd"));
}

}  // namespace
}  // namespace herd::kernel
