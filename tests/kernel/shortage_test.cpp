// When the host runs out of something the daemon says of what, survives, and goes on once there is some
// again.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/daemon_test.hpp"
#include "tests/support/denied_calls.hpp"

namespace herd::test {
namespace {

namespace fs = std::filesystem;

/// Restarts fast and without end, so that the end of the shortage is noticed.
Json patient(const Json& overrides = Json::object()) {
  Json pool = testee_pool({"serve"},
                          {{"workers", {{"min", 0}, {"max", 1}, {"spare", 0}}},
                           {"restart", {{"backoff_min", "20ms"}, {"backoff_max", "50ms"}, {"burst", 10000}}},
                           {"limits", {{"open_files", 32}}}});
  pool.merge_patch(overrides);
  return pool;
}

class Shortage : public DaemonTest {
 protected:
  void TearDown() override {
    if (short_ && short_->is_running()) short_->stop();
    DaemonTest::TearDown();
  }
  void start(const Json& pool, std::function<void()> before_exec) {
    short_ = std::make_unique<TestDaemon>(DaemonOptions{.before_exec = std::move(before_exec)});
    short_->write_pool("a", pool);
    short_->start();
  }
  Json end_with(int errno_value) {
    return short_->wait_for([errno_value](const Json& event) {
      return event.at("type") == "worker_gone" && event.at("reason").value("errno", 0) == errno_value;
    });
  }
  std::unique_ptr<TestDaemon> short_;
};

TEST_F(Shortage, OfFds) {
  start(patient({{"workers", {{"max", 40}}}}), [] {
    const rlimit few{80, 80};
    ::setrlimit(RLIMIT_NOFILE, &few);
  });
  // So that asking it takes no fd that it does not have.
  auto events = short_->open("GET", "/v1/events?since=0");
  short_->post("/v1/pools/a/scale", {{"min", 30}});
  const Json gone = end_with(EMFILE);
  EXPECT_EQ(gone.at("reason").at("kind"), "setup_failed") << gone;
  EXPECT_LE(open_fds_of(short_->pid()), 80);

  short_->post("/v1/pools/a/scale", {{"min", 0}, {"max", 1}});
  short_->acquire("a", "s");
}

TEST_F(Shortage, OfProcesses) {
  HERD_ONLY_WITH(!v1_mount("pids").empty(), "v1 pids hierarchy");
  const std::string cgroup = v1_mount("pids") + "/herd-test-shortage-" + std::to_string(::getpid());
  fs::create_directory(cgroup);
  start(patient(), [&cgroup] { std::ofstream(cgroup + "/cgroup.procs") << "0"; });
  status_when_tested(*short_);  // a thread less
  std::ofstream(cgroup + "/pids.max") << text_of(cgroup + "/pids.current");
  short_->post("/v1/pools/a/scale", {{"min", 1}});
  const Json gone = end_with(EAGAIN);
  EXPECT_EQ(gone.at("reason").at("kind"), "setup_failed") << gone;
  EXPECT_NE(gone.at("reason").at("text").get<std::string>().find("no more processes"), std::string::npos)
      << gone;

  std::ofstream(cgroup + "/pids.max") << "max";
  short_->acquire("a", "s");
  short_->stop();
  EXPECT_TRUE(fs::remove(cgroup));
}

// Its init is the one process that it may have.
TEST_F(Shortage, OfProcessesInTheWorkersOwnLimit) {
  start(patient({{"limits", {{"pids", 1}}}}), {});
  short_->post("/v1/pools/a/scale", {{"min", 1}});
  const Json gone = end_with(EAGAIN);
  EXPECT_EQ(gone.at("reason").at("kind"), "setup_failed") << gone;
  EXPECT_NE(gone.at("reason").at("text").get<std::string>().find("Resource temporarily unavailable"),
            std::string::npos)
      << gone;
}

// A limit that somebody else put above it.
TEST_F(Shortage, OfProcessesInThePoolsCgroup) {
  const bool is_on_v2 = text_of(v2_mount() + "/cgroup.controllers").find("pids") != std::string::npos;
  const std::string mount = is_on_v2 ? v2_mount() : v1_mount("pids");
  HERD_NEEDS(!mount.empty(), "pids cgroup controller");
  start(patient(), {});
  const std::string cgroup = mount + "/" + short_->cgroup_root() + "/a";
  fs::create_directory(cgroup);
  std::ofstream(cgroup + "/pids.max") << "0";
  ASSERT_EQ(text_of(cgroup + "/pids.max"), "0\n");
  short_->post("/v1/pools/a/scale", {{"min", 1}});
  const Json gone = end_with(EAGAIN);
  EXPECT_EQ(gone.at("reason").at("kind"), "setup_failed") << gone;

  std::ofstream(cgroup + "/pids.max") << "max";
  short_->acquire("a", "s");
}

/// A file system of so many inodes at `path`, for herdd alone.
void mount_small(const std::string& path, const char* options) {
  ::unshare(CLONE_NEWNS);
  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  fs::create_directories(path);
  ::mount("none", path.c_str(), "tmpfs", 0, options);
}

TEST_F(Shortage, OfSpaceForSockets) {
  std::string run;
  short_ = std::make_unique<TestDaemon>(
      DaemonOptions{.config = {{"runtime_directory", "/mnt/herd-test"}},
                    .before_exec = [] { mount_small("/mnt", "mode=755,nr_inodes=40"); }});
  short_->write_pool("a", patient());
  short_->start();
  run = "/proc/" + std::to_string(short_->pid()) + "/root/mnt/";
  int fillers = 0;
  while (std::ofstream(run + "filler-" + std::to_string(fillers))) ++fillers;
  ASSERT_GT(fillers, 0);
  short_->post("/v1/pools/a/scale", {{"min", 1}});
  const Json gone = end_with(ENOSPC);
  EXPECT_EQ(gone.at("reason").at("kind"), "setup_failed") << gone;
  EXPECT_NE(gone.at("reason").at("text").get<std::string>().find("No space left on device"),
            std::string::npos)
      << gone;

  while (fillers > 0) fs::remove(run + "filler-" + std::to_string(--fillers));
  EXPECT_EQ(short_->acquire("a", "s").at("created"), true);
}

TEST_F(Shortage, OfSpaceForTheStateIsAReasonNotToStart) {
  TestDaemon daemon{{.config = {{"state_directory", "/mnt/state"}}, .before_exec = [] {
                       mount_small("/mnt", "mode=755,size=4k");
                       std::ofstream("/mnt/filler") << std::string(4096, 'x');
                     }}};
  daemon.write_pool("a", patient());
  EXPECT_EQ(daemon.start_in_vain(), 1);
  EXPECT_NE(daemon.log().find("No space left on device"), std::string::npos) << daemon.log();
  EXPECT_TRUE(daemon.leftovers().empty()) << Json(daemon.leftovers());
}

}  // namespace
}  // namespace herd::test
