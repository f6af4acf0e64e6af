// Limits as they are written, read back, refused and left out, on a tree of plain files.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/unit/common/kernel/fake_cgroups.hpp"

namespace herd::kernel {
namespace {

using enum Controller;
using testing::HasSubstr;

const CgroupLimits kLimits{.memory = mib(256), .swap = mib(64), .cpu = 0.5, .pids = 100};

class CgroupLimitsOnV2 : public FakeCgroups {
 protected:
  void SetUp() override {
    put("v2/" + std::string(kLeaf),
        {"memory.max", "memory.oom.group", "memory.swap.max", "cpu.max", "pids.max"});
  }
  [[nodiscard]] Result<WorkerCgroup> create(const CgroupLimits& limits) const {
    return opened({v2("v2", kAllControllers)}).create("web", "web-1", limits, nullptr);
  }
};

class CgroupLimitsOnV1 : public FakeCgroups {
 protected:
  void SetUp() override {
    put("memory/" + std::string(kLeaf), {"memory.limit_in_bytes", "memory.memsw.limit_in_bytes"});
    put("cpu/" + std::string(kLeaf), {"cpu.cfs_period_us", "cpu.cfs_quota_us"});
    put("pids/" + std::string(kLeaf), {"pids.max"});
  }
  [[nodiscard]] Result<WorkerCgroup> create(const CgroupLimits& limits) const {
    return opened({v1("memory", {memory}), v1("cpu", {cpu}), v1("pids", {pids})})
        .create("web", "web-1", limits, nullptr);
  }
};

std::string readings(const WorkerCgroup& cgroup) {
  std::string text;
  for (const auto& [name, wanted, found] : cgroup.read_limits())
    text += name + ": " + wanted + " / " + found + "\n";
  return text;
}

TEST_F(CgroupLimitsOnV2, AreWrittenAsTheKernelWantsThem) {
  const auto cgroup = create(kLimits);
  ASSERT_TRUE(cgroup) << cgroup.error().message;
  EXPECT_EQ(text(leaf("v2", "memory.max")), "268435456");
  EXPECT_EQ(text(leaf("v2", "memory.swap.max")), "67108864");
  EXPECT_EQ(text(leaf("v2", "memory.oom.group")), "1");
  EXPECT_EQ(text(leaf("v2", "cpu.max")), "50000 100000");
  EXPECT_EQ(text(leaf("v2", "pids.max")), "100");
}

TEST_F(CgroupLimitsOnV2, ControllersAreGivenToChildrenOnEveryLevelAbove) {
  ASSERT_TRUE(create(kLimits));
  for (const char* parent : {"v2", "v2/herd", "v2/herd/web"})
    EXPECT_EQ(text(std::string(parent) + "/cgroup.subtree_control"), "+memory +cpu +pids") << parent;
  EXPECT_FALSE(exists(leaf("v2", "cgroup.subtree_control")))
      << "a leaf with controllers for children holds no process";
}

TEST_F(CgroupLimitsOnV2, ThatAreOffAreNotWritten) {
  ASSERT_TRUE(create({}));
  for (const char* file : {"memory.max", "memory.oom.group", "memory.swap.max", "cpu.max", "pids.max"})
    EXPECT_EQ(text(leaf("v2", file)), "") << file;
}

TEST_F(CgroupLimitsOnV2, MemoryIsInWholePages) {
  ASSERT_TRUE(create({.memory = Bytes{3 * 4096 + 4095}, .swap = {}, .cpu = {}, .pids = {}}));
  EXPECT_EQ(text(leaf("v2", "memory.max")), "12288");
}

TEST_F(CgroupLimitsOnV2, CpuIsNeverBelowWhatTheKernelTakes) {
  ASSERT_TRUE(create({.memory = {}, .swap = {}, .cpu = 0.001, .pids = {}}));
  EXPECT_EQ(text(leaf("v2", "cpu.max")), "1000 100000");
}

// 0.29 * 100000 is 28999.99... in binary.
TEST_F(CgroupLimitsOnV2, CpuIsRoundedAndNotCut) {
  ASSERT_TRUE(create({.memory = {}, .swap = {}, .cpu = 0.29, .pids = {}}));
  EXPECT_EQ(text(leaf("v2", "cpu.max")), "29000 100000");
}

TEST_F(CgroupLimitsOnV2, AKernelThatCountsNoSwapIsAnErrorOnAHostThatSwaps) {
  const std::string swaps = test::text_of("/proc/swaps");
  const bool host_swaps = std::ranges::count(swaps, '\n') > 1;  // more than the heading
  ASSERT_EQ(unlink(at(leaf("v2", "memory.swap.max")).c_str()), 0);
  const auto cgroup = create(kLimits);
  ASSERT_EQ(cgroup.has_value(), !host_swaps);
  if (host_swaps) {
    EXPECT_THAT(cgroup.error().message, HasSubstr("limits.swap"));
  } else {
    EXPECT_THAT(readings(*cgroup), testing::Not(HasSubstr("swap")));
  }
}

TEST_F(CgroupLimitsOnV2, AFileThatIsMissingIsAnError) {
  for (const char* file : {"memory.max", "memory.oom.group", "cpu.max", "pids.max"}) {
    ASSERT_EQ(unlink(at(leaf("v2", file)).c_str()), 0);
    const auto cgroup = create(kLimits);
    ASSERT_FALSE(cgroup) << file;
    EXPECT_THAT(cgroup.error().message, HasSubstr("open '" + std::string(file) + "': No such file"));
    put("v2/" + std::string(kLeaf), {file});
  }
}

TEST_F(CgroupLimitsOnV2, AreReadBackFromTheFiles) {
  const auto cgroup = create(kLimits);
  ASSERT_TRUE(cgroup) << cgroup.error().message;
  put(leaf("v2", "memory.max"), "max\n");
  put(leaf("v2", "memory.swap.max"), "max\n");
  put(leaf("v2", "cpu.max"), "max 100000\n");
  put(leaf("v2", "pids.max"), "100\n");
  EXPECT_EQ(readings(*cgroup),
            "memory.max: 268435456 / max\n"
            "memory.swap.max: 67108864 / max\n"
            "cpu.max: 50000 100000 / max 100000\n"
            "pids.max: 100 / 100\n");
}

TEST_F(CgroupLimitsOnV2, AFileThatCanNotBeReadBackIsNotAsWanted) {
  const auto cgroup = create({.memory = {}, .swap = {}, .cpu = {}, .pids = 100});
  ASSERT_TRUE(cgroup) << cgroup.error().message;
  ASSERT_EQ(unlink(at(leaf("v2", "pids.max")).c_str()), 0);
  EXPECT_EQ(readings(*cgroup), "pids.max: 100 / open 'pids.max': No such file or directory\n");
}

TEST_F(CgroupLimitsOnV1, AreWrittenAsTheKernelWantsThem) {
  const auto cgroup = create(kLimits);
  ASSERT_TRUE(cgroup) << cgroup.error().message;
  EXPECT_EQ(text(leaf("memory", "memory.limit_in_bytes")), "268435456");
  EXPECT_EQ(text(leaf("memory", "memory.memsw.limit_in_bytes")), "335544320") << "memory and swap together";
  EXPECT_EQ(text(leaf("cpu", "cpu.cfs_period_us")), "100000");
  EXPECT_EQ(text(leaf("cpu", "cpu.cfs_quota_us")), "50000");
  EXPECT_EQ(text(leaf("pids", "pids.max")), "100");
}

TEST_F(CgroupLimitsOnV1, AreReadBackFromTheFiles) {
  const auto cgroup = create(kLimits);
  ASSERT_TRUE(cgroup) << cgroup.error().message;
  EXPECT_EQ(readings(*cgroup),
            "memory.limit_in_bytes: 268435456 / 268435456\n"
            "memory.memsw.limit_in_bytes: 335544320 / 335544320\n"
            "cpu.cfs_quota_us: 50000 / 50000\n"
            "pids.max: 100 / 100\n");
}

class MissingController : public FakeCgroups {
 protected:
  static constexpr const char* kSentence = "limits: this host has no cpu cgroup controller";
  void SetUp() override { put("pids/" + std::string(kLeaf), {"pids.max"}); }
  [[nodiscard]] Result<WorkerCgroup> create(const CgroupLimits& limits,
                                            std::vector<std::string>* left_out) const {
    return opened({v2("v2", {}), v1("pids", {pids})}).create("web", "web-1", limits, left_out);
  }
};

TEST_F(MissingController, IsAnErrorWhereTheLimitIsRequired) {
  const auto cgroup = create({.memory = {}, .swap = {}, .cpu = 1, .pids = 5}, nullptr);
  ASSERT_FALSE(cgroup);
  EXPECT_EQ(cgroup.error().message, "cgroup: " + std::string(kSentence));
}

TEST_F(MissingController, IsNotedWhereItIsNotAndTheOtherLimitsHold) {
  std::vector<std::string> left_out;
  const auto cgroup = create({.memory = {}, .swap = {}, .cpu = 1, .pids = 5}, &left_out);
  ASSERT_TRUE(cgroup) << cgroup.error().message;
  EXPECT_EQ(left_out, std::vector<std::string>{kSentence});
  EXPECT_EQ(text(leaf("pids", "pids.max")), "5");
  EXPECT_EQ(readings(*cgroup), "pids.max: 5 / 5\n");
}

TEST_F(MissingController, IsNoMatterWhereTheLimitIsOff) {
  EXPECT_TRUE(create({.memory = {}, .swap = {}, .cpu = {}, .pids = 5}, nullptr));
}

TEST_F(MissingController, LeavesNoLeafBehind) {
  const Cgroups cgroups = opened({v2("v2", {}), v2("other", {})});
  EXPECT_FALSE(cgroups.create("web", "web-1", kLimits, nullptr));
  EXPECT_FALSE(exists("v2/herd/web/web-1"));
  EXPECT_FALSE(exists("other/herd/web/web-1"));
}

TEST_F(FakeCgroups, AHierarchyThatCanNotBeJoinedLeavesNoLeafBehind) {
  Hierarchy without_tasks = v2("pids", {});
  without_tasks.is_v2 = false;
  const auto cgroup = opened({v2("v2", {}), without_tasks}).create("web", "web-1", {}, nullptr);
  ASSERT_FALSE(cgroup);
  EXPECT_THAT(cgroup.error().message, HasSubstr("/pids/herd/web/web-1/tasks': No such file"));
  EXPECT_FALSE(exists("v2/herd/web/web-1"));
  EXPECT_FALSE(exists("pids/herd/web/web-1"));
}

TEST_F(FakeCgroups, WithoutAnyHierarchyThereIsNoLeaf) {
  const auto cgroup = opened({}).create("web", "web-1", {}, nullptr);
  ASSERT_FALSE(cgroup);
  EXPECT_EQ(cgroup.error().message, "cgroup: this host has no cgroup hierarchy mounted");
}

TEST_F(FakeCgroups, ControllersThatAreNotGivenAreSaid) {
  Hierarchy broken{at("v2"), true, {memory}, false};
  std::filesystem::create_directories(at("v2"));
  const auto cgroups = Cgroups::open({{broken}}, "herd");
  ASSERT_FALSE(cgroups);
  EXPECT_TRUE(cgroups.error().message.starts_with("give controllers to children of '" + at("v2") + "': "));
}

}  // namespace
}  // namespace herd::kernel
