// What a worker holds and sees: fds, programs, the cgroup tree.
#include <fcntl.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

namespace fs = std::filesystem;

/// Of the daemon's copy of herd-exec, which is the program of its workers' init.
std::string executor_bytes(pid_t worker) {
  return text_of("/proc/" + status_of(worker)["PPid"] + "/exe");
}

/// Every place that an open fd of the process leads to.
std::multiset<std::string> targets_of_fds(pid_t pid) {
  std::multiset<std::string> targets;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    std::error_code closed_meanwhile;
    const fs::path target = fs::read_symlink(entry, closed_meanwhile);
    if (!closed_meanwhile) targets.insert(target.string());
  }
  return targets;
}

/// As a shell or a container engine may leave them open: what herdd knows nothing of.
void leave_fds_open() {
  (void)::open("/", O_RDONLY | O_DIRECTORY);
  (void)::open(HERD_TEST_TESTEE, O_RDONLY);
}

class IsolationFiles : public DaemonTest {
 protected:
  void TearDown() override {
    if (leaky_.is_running()) leaky_.stop();
    DaemonTest::TearDown();
  }
  TestDaemon leaky_{{.before_exec = leave_fds_open}};
};

/// Of a worker that is answering a request.
void expect_only_its_own(const Json& fds) {
  ASSERT_EQ(fds.size(), 5U) << fds;
  EXPECT_EQ(fds.at("0"), "/dev/null");
  EXPECT_TRUE(fds.at("1").get<std::string>().starts_with("pipe:")) << fds;
  EXPECT_TRUE(fds.at("2").get<std::string>().starts_with("pipe:")) << fds;
  EXPECT_TRUE(fds.at("3").get<std::string>().starts_with("socket:")) << fds << "the listener";
  EXPECT_TRUE(fds.at("4").get<std::string>().starts_with("socket:")) << fds << "this test's connection";
}

// Pitfall 1 (CVE-2024-21626).
TEST_F(IsolationFiles, NoFdLeaksIntoTheWorkerAndItsDirectoryHasAName) {
  start_with("a", testee_pool({"serve"}));
  const Json report = ask_session("a", "s", "/report");
  EXPECT_EQ(report.at("cwd"), "/");
  expect_only_its_own(report.at("fds"));
}

// Pitfall 1: also not one that the daemon itself was given, without a close-on-exec mark.
TEST_F(IsolationFiles, WhatTheDaemonWasLeftOpenEndsBeforeTheWorker) {
  leaky_.write_pool("a", testee_pool({"serve"}));
  leaky_.start();
  const auto daemons = targets_of_fds(leaky_.pid());
  ASSERT_EQ(daemons.count("/"), 1U);
  ASSERT_EQ(daemons.count(HERD_TEST_TESTEE), 1U);
  const Json session = leaky_.acquire("a", "s");
  expect_only_its_own(ask(session.at("address"), "/report").at("fds"));
  const auto inits = targets_of_fds(std::stoi(status_of(session.at("pid").get<pid_t>())["PPid"]));
  EXPECT_EQ(inits.count("/"), 0U);
  EXPECT_EQ(inits.count(HERD_TEST_TESTEE), 0U);
}

// Pitfall 3 (CVE-2019-5736): neither the worker's own program nor its init's can be written, also not by a
// later start of it: every worker's init is the one sealed copy.
TEST_F(IsolationFiles, TheExecutorCannotBeOverwritten) {
  const std::string before = text_of(fs::path(HERD_TEST_HERDD).parent_path() / "herd-exec");
  start_with("a", unfiltered_pool());
  const Json report = ask_session("a", "s", "/report");
  const Json& probes = report.at("probes");
  EXPECT_NE(probes.at("write_self_exe"), "ok");
  EXPECT_NE(probes.at("write_pid1_exe"), "ok");
  EXPECT_NE(probes.at("read_pid1_mem"), "ok");
  const pid_t worker = daemon_.workers("a").at(0).at("pid");
  EXPECT_EQ(executor_bytes(worker), before);
  EXPECT_EQ(text_of(fs::path(HERD_TEST_HERDD).parent_path() / "herd-exec"), before);
  // Root itself can't write the copy, also not when none of it runs: it is sealed.
  const std::string running = "/proc/" + status_of(worker)["PPid"] + "/exe";
  EXPECT_FALSE(UniqueFd(::open(running.c_str(), O_WRONLY | O_CLOEXEC)));
  const UniqueFd copy(::open(running.c_str(), O_RDONLY | O_CLOEXEC));
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  EXPECT_EQ(::fcntl(copy.get(), F_GET_SEALS) & kSeals, kSeals);
}

// Pitfalls 14, 15 (CVE-2022-0492), 16 (CVE-2023-25809).
TEST_F(IsolationFiles, TheCgroupTreeIsNeitherSeenNorMountedNorWritten) {
  start_with("a", unfiltered_pool());
  const Json report = ask_session("a", "s", "/report");
  std::istringstream lines(report.at("cgroup").get<std::string>());
  bool has_v2 = false;
  for (std::string line; std::getline(lines, line);) {
    has_v2 = has_v2 || line == "0::/";
    EXPECT_EQ(line.find(daemon_.cgroup_root()), std::string::npos) << line;
  }
  EXPECT_TRUE(has_v2) << report.at("cgroup");
  for (const char* probe : {"mount_cgroup_v1", "mount_cgroup_v1_memory", "mount_cgroup_v2", "mkdir_cgroup",
                            "mkdir_cgroup_unified", "write_memory_max"})
    EXPECT_NE(report.at("probes").at(probe), "ok") << probe;
}

TEST_F(IsolationFiles, OnlyItsOwnMountsAreWritable) {
  start_with("a", unfiltered_pool());
  const Json report = ask_session("a", "s", "/report");
  for (const Json& mount : report.at("writable_mounts")) {
    const auto path = mount.get<std::string>();
    const bool is_own = path == "/proc" || path == "/run" || path == "/tmp" || path == "/dev/shm";
    EXPECT_TRUE(is_own) << path;
  }
  const Json& probes = report.at("probes");
  for (const char* probe : {"write_root", "write_usr", "write_sysctl", "write_sysrq", "read_kcore",
                            "mount_tmpfs", "mount_proc", "make_device", "open_tty"})
    EXPECT_NE(probes.at(probe), "ok") << probe;
  EXPECT_EQ(probes.at("write_tmp"), "ok");
  EXPECT_EQ(probes.at("write_dev_shm"), "ok");
}

}  // namespace
}  // namespace herd::test
