// The tree that all workers' roots are copies of: what it leaves out, and that it follows the host's mounts.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

namespace fs = std::filesystem;

/// Where something is mounted in the worker, in the order of its mountinfo.
std::vector<std::string> mount_points(const Json& report) {
  std::vector<std::string> found;
  for (const Json& line : report.at("mountinfo")) {
    std::istringstream words(line.get<std::string>());
    std::string word;
    for (int i = 0; i < 5; ++i) words >> word;
    found.push_back(word);
  }
  return found;
}

std::vector<std::string> below(const std::vector<std::string>& mounts, const std::string& place) {
  std::vector<std::string> found;
  for (const std::string& mount : mounts)
    if (mount == place || mount.starts_with(place + "/")) found.push_back(mount);
  return found;
}

class BaseTree : public DaemonTest {
 protected:
  /// A herdd with mounts of its own, so that this test's are nobody else's.
  BaseTree() {
    options_.before_exec = [] {
      ::unshare(CLONE_NEWNS);
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    };
  }
  void start() {
    alone_ = std::make_unique<TestDaemon>(options_);
    place_ = alone_->directory() + "/place";
    fs::create_directory(place_);
    alone_->write_pool("a", testee_pool({"serve"}, {{"workers", {{"min", 0}, {"spare", 0}}}}));
    alone_->start();
  }
  void TearDown() override {
    if (alone_ && alone_->is_running()) alone_->stop();
    DaemonTest::TearDown();
  }
  /// In herdd's mount namespace. This process has one thread, so it may go there and come back.
  template <typename Function>
  void among_its_mounts(Function function) {
    const UniqueFd here(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
    const UniqueFd there(
        ::open(("/proc/" + std::to_string(alone_->pid()) + "/ns/mnt").c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::setns(there.get(), CLONE_NEWNS), 0);
    function();
    ASSERT_EQ(::setns(here.get(), CLONE_NEWNS), 0);
  }
  /// What a new worker finds in the place. It is gone again afterwards.
  std::string seen_by_a_new_worker(const std::string& session) {
    const Json acquired = alone_->acquire("a", session);
    const Json report = ask(acquired.at("address"), "/report");
    alone_->remove("/v1/pools/a/sessions/" + session);
    alone_->wait_for({.type = "worker_gone", .worker = acquired.at("worker")});
    return below(mount_points(report), place_).empty() ? "nothing" : "a mount";
  }

  DaemonOptions options_;
  std::unique_ptr<TestDaemon> alone_;
  std::string place_;
};

TEST_F(BaseTree, NothingOfTheHostsLiesBelowWhatIsTheWorkersOwn) {
  start_with("a", testee_pool({"serve"}));
  const auto mounts = mount_points(ask_session("a", "s", "/report"));
  using Places = std::vector<std::string>;
  EXPECT_EQ(below(mounts, "/dev"), (Places{"/dev", "/dev/shm"}));
  EXPECT_EQ(below(mounts, "/sys/fs/cgroup"), Places{"/sys/fs/cgroup"});
  EXPECT_EQ(below(mounts, "/run"), (Places{"/run", "/run"})) << "the cover, and the worker's own on it";
  EXPECT_EQ(std::ranges::count(mounts, "/proc"), 1);
  EXPECT_EQ(std::ranges::count(mounts, "/"), 1);
}

// Pitfall 43, and its other side: what the host does later is no secret, and nothing is kept busy.
TEST_F(BaseTree, FollowsTheMountsOfTheDaemon) {
  start();
  EXPECT_EQ(seen_by_a_new_worker("before"), "nothing");

  const UniqueFd watch(::inotify_init1(IN_CLOEXEC));
  among_its_mounts([&] {
    ASSERT_EQ(::mount("herd-test", place_.c_str(), "tmpfs", 0, nullptr), 0);
    ASSERT_GE(::inotify_add_watch(watch.get(), place_.c_str(), IN_ONESHOT), 0);
  });
  EXPECT_EQ(seen_by_a_new_worker("mounted"), "a mount");

  // The kernel says IN_UNMOUNT when the last mount of the filesystem is gone, in whatever namespace it was.
  among_its_mounts([&] { ASSERT_EQ(::umount2(place_.c_str(), MNT_DETACH), 0); });
  pollfd gone{watch.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&gone, 1, std::chrono::milliseconds(kPatience).count()), 1) << "something still holds it";
  EXPECT_EQ(seen_by_a_new_worker("after"), "nothing");
}

}  // namespace
}  // namespace herd::test
