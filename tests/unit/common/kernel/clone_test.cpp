#include "common/kernel/clone.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <iterator>
#include <sstream>

#include "common/kernel/files.hpp"
#include "common/kernel/process.hpp"

namespace herd::kernel {
namespace {

volatile sig_atomic_t g_handled = 0;
void count_signal(int) {
  g_handled = g_handled + 1;
}

/// All signals blocked, as clone_vfork wants it, and SIGUSR1 with a handler of the caller's.
class CloneVfork : public testing::Test {
 protected:
  void SetUp() override {
    g_handled = 0;
    struct sigaction action {};
    action.sa_handler = count_signal;
    sigaction(SIGUSR1, &action, &old_action_);
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old_mask_);
  }
  void TearDown() override {
    pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
    sigaction(SIGUSR1, &old_action_, nullptr);
  }

  static siginfo_t wait_for(const Cloned& child) {
    siginfo_t info{};
    waitid(P_PIDFD, static_cast<id_t>(child.pidfd.get()), &info, WEXITED);
    return info;
  }

  /// Of this thread (CONFIG_PROC_CHILDREN).
  static std::vector<pid_t> children() {
    std::istringstream text(read_file("/proc/thread-self/children").value_or(""));
    return {std::istream_iterator<pid_t>(text), {}};
  }

  struct sigaction old_action_ {};
  sigset_t old_mask_{};
};

TEST_F(CloneVfork, TheEntrysResultIsTheExitCode) {
  for (const int code : {0, 1, 42, 255}) {
    int wanted = code;
    const auto child = clone_vfork(
        {}, [](void* argument) { return *static_cast<int*>(argument); }, &wanted);
    ASSERT_TRUE(child) << child.error().message;
    const siginfo_t info = wait_for(*child);
    EXPECT_EQ(info.si_code, CLD_EXITED);
    EXPECT_EQ(info.si_status, code);
    EXPECT_EQ(info.si_pid, child->pid);
  }
}

TEST_F(CloneVfork, WhatTheChildWritesIsThereWhenTheCallReturns) {
  struct Shared {
    pid_t child = 0;
    pid_t parent = 0;
  } shared;
  const auto entry = [](void* argument) {
    auto& written = *static_cast<Shared*>(argument);
    written.child = getpid();
    written.parent = getppid();
    return 0;
  };
  const auto child = clone_vfork({}, entry, &shared);
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(shared.child, child->pid);
  EXPECT_EQ(shared.parent, getpid());
  EXPECT_NE(shared.child, getpid());
  wait_for(*child);
}

TEST_F(CloneVfork, ThePidfdIsOfTheChildAndClosesOnExec) {
  const auto child = clone_vfork(
      {}, [](void*) { return 0; }, nullptr);
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(pid_of(child->pidfd.get()).value_or(-1), child->pid);
  EXPECT_EQ(fcntl(child->pidfd.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  wait_for(*child);
}

TEST_F(CloneVfork, TheParentsHandlersAreNotTheChilds) {
  bool has_default = false;
  const auto entry = [](void* argument) {
    struct sigaction action {};
    sigaction(SIGUSR1, nullptr, &action);
    *static_cast<bool*>(argument) = action.sa_handler == SIG_DFL;
    return 0;
  };
  const auto child = clone_vfork({}, entry, &has_default);
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_TRUE(has_default);
  wait_for(*child);
}

// Pitfall 7: a handler in the child would run on the parent's memory.
TEST_F(CloneVfork, ASignalEndsTheChildAndRunsNoHandlerOfTheParents) {
  const auto entry = [](void*) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    kill(getpid(), SIGUSR1);
    return 0;
  };
  const auto child = clone_vfork({}, entry, nullptr);
  ASSERT_TRUE(child) << child.error().message;
  const siginfo_t info = wait_for(*child);
  EXPECT_EQ(info.si_code, CLD_KILLED);
  EXPECT_EQ(info.si_status, SIGUSR1);
  EXPECT_EQ(g_handled, 0);
}

TEST_F(CloneVfork, ASignalForTheParentWaitsUntilItUnblocks) {
  const auto entry = [](void*) { return kill(getppid(), SIGUSR1); };
  const auto child = clone_vfork({}, entry, nullptr);
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(wait_for(*child).si_status, 0);
  EXPECT_EQ(g_handled, 0);
  pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
  EXPECT_EQ(g_handled, 1);
}

TEST_F(CloneVfork, HasRoomForASetUpFunctionOnItsStack) {
  const auto entry = [](void*) {
    volatile char large[64 * 1024];
    for (std::size_t i = 0; i < sizeof large; i += 4096) large[i] = 1;
    return static_cast<int>(large[0]);
  };
  const auto child = clone_vfork({}, entry, nullptr);
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(wait_for(*child).si_status, 1);
}

TEST_F(CloneVfork, ASharingChildRunsBesideItsCaller) {
  std::atomic<int> turn{0};
  const auto entry = [](void* argument) {
    auto& shared = *static_cast<std::atomic<int>*>(argument);
    while (shared.load() == 0) continue;  // for ever, if the caller waited
    shared = 2;
    return 7;
  };
  auto child = SharingChild::start({}, entry, &turn);
  ASSERT_TRUE(child) << child.error().message;
  turn = 1;
  const Cloned ended = std::move(*child).wait_for_release();
  EXPECT_EQ(turn, 2);
  EXPECT_EQ(wait_for(ended).si_status, 7);
}

TEST_F(CloneVfork, ASharingChildThatIsKilledLetsGo) {
  const auto entry = [](void*) { return pause(); };
  auto child = SharingChild::start({}, entry, nullptr);
  ASSERT_TRUE(child) << child.error().message;
  for (const pid_t pid : children()) kill(pid, SIGKILL);
  EXPECT_EQ(wait_for(std::move(*child).wait_for_release()).si_status, SIGKILL);
}

TEST_F(CloneVfork, ADirectoryThatIsNoCgroupIsAnErrorAndStartsNothing) {
  const UniqueFd directory(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  bool ran = false;
  const auto entry = [](void* argument) {
    *static_cast<bool*>(argument) = true;
    return 0;
  };
  const auto child = clone_vfork({.flags = 0, .cgroup = directory.get()}, entry, &ran);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().errno_value, EBADF);
  EXPECT_TRUE(child.error().message.starts_with("clone3: "));
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace herd::kernel
