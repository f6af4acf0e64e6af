// Which hierarchies are used, from the text of mountinfo; a v2 tree's controllers are read from a directory.
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/kernel/cgroup.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::kernel {
namespace {

using enum Controller;
using Controllers = std::vector<Controller>;

class CgroupLayouts : public testing::Test {
 protected:
  /// A line of mountinfo; `mount` is below the test's directory.
  [[nodiscard]] std::string line(const std::string& root, const std::string& mount, const std::string& type,
                                 const std::string& options) const {
    return "30 24 0:26 " + root + " " + path(mount) + " rw,nosuid shared:4 master:1 - " + type + " cgroup " +
           options + "\n";
  }
  [[nodiscard]] std::string v2(const std::string& mount, const std::string& controllers) const {
    directory_.write(mount + "/cgroup.controllers", controllers);
    return line("/", mount, "cgroup2", "rw,nsdelegate");
  }
  [[nodiscard]] std::string v1(const std::string& mount, const std::string& controllers) const {
    return line("/", mount, "cgroup", "rw," + controllers);
  }
  [[nodiscard]] std::string path(const std::string& mount) const { return directory_.path() + "/" + mount; }

  static CgroupLayout found(const std::string& mountinfo) {
    auto layout = find_cgroups(mountinfo);
    EXPECT_TRUE(layout);
    return layout ? std::move(*layout) : CgroupLayout{};
  }

  const std::string other_ =
      "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
      "25 22 0:5 / /proc rw - proc proc rw\n";
  test::TemporaryDirectory directory_;
};

TEST_F(CgroupLayouts, PureV2IsOneTreeWithItsControllers) {
  const CgroupLayout layout = found(other_ + v2("cgroup", "cpuset cpu io memory hugetlb pids rdma misc\n"));
  EXPECT_EQ(layout.kind(), "v2");
  EXPECT_TRUE(layout.tracks_on_v2());
  ASSERT_EQ(layout.hierarchies.size(), 1U);
  EXPECT_EQ(layout.hierarchies[0].mount_point, path("cgroup"));
  EXPECT_EQ(layout.hierarchies[0].controllers, (Controllers{memory, cpu, pids}));
}

TEST_F(CgroupLayouts, AControllerOfALikeNameIsNotTaken) {
  const CgroupLayout layout = found(v2("cgroup", "cpuset memory2 xpids\n"));
  EXPECT_TRUE(layout.hierarchies.at(0).controllers.empty());
  EXPECT_FALSE(layout.has(cpu));
}

TEST_F(CgroupLayouts, HybridTracksOnV2AndTakesEachControllerWhereItIs) {
  const CgroupLayout layout =
      found(other_ + v1("cpu,cpuacct", "cpu,cpuacct") + v1("memory", "memory") + v1("freezer", "freezer") +
            v1("pids", "pids") + v1("systemd", "xattr,name=systemd") + v2("unified", "\n"));
  EXPECT_EQ(layout.kind(), "hybrid");
  ASSERT_EQ(layout.hierarchies.size(), 4U);
  EXPECT_TRUE(layout.hierarchies[0].is_v2);
  EXPECT_EQ(layout.hierarchies[0].mount_point, path("unified"));
  for (const Controller controller : {memory, cpu, pids}) EXPECT_TRUE(layout.has(controller));
}

TEST_F(CgroupLayouts, HybridTakesAControllerFromV2WhereV2HasIt) {
  const CgroupLayout layout = found(v1("memory", "memory") + v2("unified", "pids\n"));
  ASSERT_EQ(layout.hierarchies.size(), 2U);
  EXPECT_EQ(layout.hierarchies[0].controllers, Controllers{pids});
  EXPECT_EQ(layout.hierarchies[1].controllers, Controllers{memory});
}

TEST_F(CgroupLayouts, V1AloneTracksInTheFreezer) {
  const CgroupLayout layout = found(other_ + v1("memory", "memory") + v1("pids", "pids") +
                                    v1("freezer", "freezer") + v1("cpuset", "cpuset"));
  EXPECT_EQ(layout.kind(), "v1");
  EXPECT_FALSE(layout.tracks_on_v2());
  ASSERT_EQ(layout.hierarchies.size(), 3U);
  EXPECT_EQ(layout.hierarchies[0].mount_point, path("freezer"));
  EXPECT_TRUE(layout.hierarchies[0].has_freezer);
  EXPECT_FALSE(layout.has(cpu));
}

TEST_F(CgroupLayouts, NoneIsNone) {
  for (const std::string& text : {std::string(), other_, v1("systemd", "xattr,name=systemd"),
                                  v1("net", "net_cls"), v1("named", "name=memory")}) {
    const CgroupLayout layout = found(text);
    EXPECT_EQ(layout.kind(), "none") << text;
    EXPECT_FALSE(layout.has(memory));
    EXPECT_FALSE(layout.tracks_on_v2());
  }
}

// A container's bind mount of its own subtree: paths below it are not those of /proc/PID/cgroup.
TEST_F(CgroupLayouts, ABindMountOfASubtreeIsIgnored) {
  directory_.write("bound/cgroup.controllers", "memory cpu pids\n");
  const std::string bound =
      line("/docker/abc", "bound", "cgroup2", "rw") + line("/docker/abc", "bound-v1", "cgroup", "rw,memory");
  EXPECT_EQ(found(bound).kind(), "none");
  const CgroupLayout layout = found(bound + v2("cgroup", "memory\n"));
  ASSERT_EQ(layout.hierarchies.size(), 1U);
  EXPECT_EQ(layout.hierarchies[0].mount_point, path("cgroup"));
}

TEST_F(CgroupLayouts, AHierarchyThatIsMountedTwiceIsUsedOnce) {
  const CgroupLayout layout =
      found(v2("cgroup", "memory pids\n") + v2("again", "memory pids\n") + v1("memory", "memory"));
  ASSERT_EQ(layout.hierarchies.size(), 1U);
  EXPECT_EQ(layout.hierarchies[0].mount_point, path("cgroup"));
}

TEST_F(CgroupLayouts, AMountPointWithABlankIsFound) {
  directory_.write("my cgroup/cgroup.controllers", "memory\n");
  const CgroupLayout layout = found(line("/", R"(my\040cgroup)", "cgroup2", "rw"));
  ASSERT_EQ(layout.hierarchies.size(), 1U);
  EXPECT_EQ(layout.hierarchies[0].mount_point, path("my cgroup"));
  EXPECT_TRUE(layout.has(memory));
}

class DelegatedCgroups : public CgroupLayouts {
 protected:
  /// As root everything may be written, so what is missing is what tells.
  void give(const std::string& directory, const std::string& controllers,
            const std::string& processes) const {
    directory_.write(directory + "/cgroup.procs", processes);
    directory_.write(directory + "/cgroup.subtree_control", "");
    directory_.write(directory + "/cgroup.controllers", controllers);
  }
  [[nodiscard]] static CgroupLayout given(const std::string& mountinfo, const std::string& own) {
    auto layout = find_delegated_cgroups(mountinfo, own);
    EXPECT_TRUE(layout);
    return layout ? std::move(*layout) : CgroupLayout{};
  }
  const std::string own_ = "4:memory:/m\n1:name=systemd:/s\n0::/user.slice/herd.scope\n";
};

TEST_F(DelegatedCgroups, AreThoseThatTheProcessIsIn) {
  const std::string mounts = v2("cgroup", "cpu memory pids\n");
  give("cgroup/user.slice/herd.scope", "memory pids\n", std::to_string(getpid()) + "\n");
  const CgroupLayout layout = given(mounts, own_);
  EXPECT_TRUE(layout.is_delegated);
  ASSERT_EQ(layout.hierarchies.size(), 1U);
  EXPECT_EQ(layout.hierarchies[0].directory(), path("cgroup/user.slice/herd.scope"));
  EXPECT_EQ(layout.hierarchies[0].controllers, (Controllers{memory, pids})) << "not those of the top";
}

TEST_F(DelegatedCgroups, WhereOthersAreTooGiveNoControllers) {
  const std::string mounts = v2("cgroup", "cpu memory pids\n");
  give("cgroup/user.slice/herd.scope", "memory pids\n", "1\n" + std::to_string(getpid()) + "\n");
  const CgroupLayout layout = given(mounts, own_);
  ASSERT_EQ(layout.hierarchies.size(), 1U);
  EXPECT_TRUE(layout.hierarchies[0].controllers.empty());
}

TEST_F(DelegatedCgroups, OnV1AreLookedUpByTheirController) {
  directory_.write("memory/m/tasks", "");
  directory_.write("pids/m/tasks", "");
  const CgroupLayout layout = given(v1("memory", "memory") + v1("pids", "pids"), own_);
  ASSERT_EQ(layout.hierarchies.size(), 1U) << "the process is in no pids hierarchy";
  EXPECT_EQ(layout.hierarchies[0].directory(), path("memory/m"));
}

TEST_F(DelegatedCgroups, ThatAreNotThereAreNone) {
  EXPECT_TRUE(given(v2("cgroup", "memory\n"), own_).hierarchies.empty());
  EXPECT_TRUE(given(v2("cgroup", "memory\n"), "").hierarchies.empty());
}

TEST_F(CgroupLayouts, BrokenLinesAreNoHierarchies) {
  for (const std::string text :
       {"\n", "30\n", "30 24 0:26 /\n", "30 24 0:26 / /sys/fs/cgroup rw\n", "- cgroup2 x rw\n"})
    EXPECT_EQ(found(text).kind(), "none") << text;
}

}  // namespace
}  // namespace herd::kernel
