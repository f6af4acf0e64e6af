// Pitfall 10: PDEATHSIG follows the thread that made a process. The owner's line does not: here the thread
// ends and the line stays, then the line ends.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <thread>

#include "common/kernel/files.hpp"
#include "common/kernel/memfd.hpp"
#include "common/kernel/seqpacket.hpp"
#include "daemon/worker/plan_builder.hpp"
#include "daemon/worker/spawner.hpp"
#include "daemon/worker/uid_pool.hpp"
#include "protocol/launch/owner_line.hpp"
#include "tests/support/host.hpp"
#include "tests/support/needs.hpp"

namespace herd::test {
namespace {

namespace fs = std::filesystem;

/// Tells of itself over and over, through herd-exec: as long as its words come both live.
config::PoolSpec talking_pool() {
  config::PoolSpec pool;
  pool.name = "a";
  pool.command = {HERD_TEST_TESTEE, "status-flood"};
  pool.sandbox.seccomp.policy = config::SeccompPolicy::off;
  pool.sandbox.filesystem.read_only = {fs::path(HERD_TEST_TESTEE).parent_path()};
  return pool;
}

class SpawnerThread : public ::testing::Test {
 protected:
  void SetUp() override {
    HERD_NEEDS(can_run_workers(), "root and a cgroup tree");
    const auto layout = kernel::find_cgroups(kernel::read_file("/proc/self/mountinfo", 8 << 20).value());
    cgroups_.emplace(kernel::Cgroups::open(layout.value(), root_).value());
    program_ = kernel::sealed_program(fs::path(HERD_TEST_HERDD).parent_path() / "herd-exec").value();
    uids_.emplace(worker::UidPool::open("/run/herd-uids.lock", {}).value());
    spawner_.emplace(*cgroups_, program_, networks_, worker::Spawner::Privileges::no_new);
  }
  void TearDown() override {
    if (!cgroups_) return;
    spawner_.reset();
    EXPECT_TRUE(cgroups_->clean());
    cgroups_->remove_root();
  }
  void start_worker() {
    worker::SpawnOrder order;
    order.plan =
        worker::build_plan(talking_pool(), {.worker = "a-1", .auto_uid = uids_->take().value()}).value();
    std::promise<worker::Spawner::Outcome<worker::Spawned>> promise;
    spawner_->submit(std::move(order), [&promise](worker::Spawner::Outcome<worker::Spawned> spawned) {
      promise.set_value(std::move(spawned));
    });
    spawned_ = promise.get_future().get().value();
    worker_ = std::move(wait_for_message<launch::Started>().fds.at(0));
  }
  /// The next message of that kind on the line; an exception where none comes.
  template <typename Kind>
  kernel::Message wait_for_message() {
    while (ends_within(spawned_.executor.line, kPatience)) {  // which waits for something to read
      auto message = kernel::receive_message(spawned_.executor.line.get(), false).value();
      if (std::holds_alternative<Kind>(launch::parse_from_exec(message.text).value())) return message;
    }
    throw std::runtime_error("nothing came over the owner's line");
  }
  /// What is said from now on: what the line holds already was said before.
  void expect_both_alive() {
    auto said_before = kernel::receive_message(spawned_.executor.line.get(), false);
    while (said_before && !said_before->text.empty())  // empty: the line's end
      said_before = kernel::receive_message(spawned_.executor.line.get(), false);
    EXPECT_NO_THROW(wait_for_message<launch::NotifiedStatus>());
    EXPECT_FALSE(ends_within(worker_, 0ms));
    EXPECT_FALSE(ends_within(spawned_.executor.pidfd, 0ms));
  }

  const std::string root_ = "herd-test-spawner-" + std::to_string(::getpid());
  std::optional<kernel::Cgroups> cgroups_;
  UniqueFd program_;
  std::optional<worker::UidPool> uids_;
  worker::NetworkStock networks_;
  std::optional<worker::Spawner> spawner_;
  worker::Spawned spawned_;
  UniqueFd worker_;
};

/// What the spawner's thread would do to a worker with PDEATHSIG.
UniqueFd start_child_that_follows_its_thread() {
  UniqueFd child;
  std::thread([&child] {
    int ready[2];
    (void)!::pipe(ready);
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      (void)!::write(ready[1], "", 1);
      while (true) ::pause();
    }
    child = open_pidfd(pid);
    char byte = 0;
    (void)!::read(ready[0], &byte, 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }).join();
  return child;
}

TEST_F(SpawnerThread, AWorkerOutlivesItAndEndsWithTheLine) {
  start_worker();
  spawner_.reset();  // joins the thread
  const UniqueFd follower = start_child_that_follows_its_thread();
  ASSERT_TRUE(ends_within(follower, kPatience)) << "the end of a thread ends nothing on this host";
  expect_both_alive();
  spawned_.executor.line.reset();
  EXPECT_TRUE(ends_within(worker_, kPatience));
  ASSERT_TRUE(ends_within(spawned_.executor.pidfd, kPatience));
  siginfo_t info{};
  EXPECT_EQ(::waitid(P_PIDFD, static_cast<id_t>(spawned_.executor.pidfd.get()), &info, WEXITED), 0);
  EXPECT_EQ(info.si_code, CLD_EXITED);
  EXPECT_EQ(info.si_status, 0);
}

}  // namespace
}  // namespace herd::test
