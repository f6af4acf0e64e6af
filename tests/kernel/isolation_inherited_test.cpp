// What a process inherits from its parent, and a worker does not inherit from the daemon, however that was
// started.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

constexpr rlim_t kOddStack = 3 << 20;

void start_oddly() {
  ::umask(0077);
  ::setpriority(PRIO_PROCESS, 0, 5);
  rlimit processes{};
  ::getrlimit(RLIMIT_NPROC, &processes);
  processes.rlim_cur /= 2;
  ::setrlimit(RLIMIT_NPROC, &processes);
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY}, stack{kOddStack, RLIM_INFINITY}, files{500, 4096};
  ::setrlimit(RLIMIT_CORE, &unlimited);
  ::setrlimit(RLIMIT_STACK, &stack);
  ::setrlimit(RLIMIT_NOFILE, &files);
  ::personality(ADDR_NO_RANDOMIZE);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  ::sched_setaffinity(0, sizeof one, &one);
  for (const int ignored : {SIGPIPE, SIGUSR1, SIGUSR2, SIGCHLD, SIGWINCH}) ::signal(ignored, SIG_IGN);
  sigset_t blocked;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGUSR1);
  ::sigaddset(&blocked, SIGALRM);
  ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
  const int adjusted = ::open("/proc/self/oom_score_adj", O_WRONLY);
  (void)!::write(adjusted, "500", 3);
  ::close(adjusted);
}

/// What is compared below was not what the daemon has. It sets its umask itself, so that one is not looked
/// at.
::testing::AssertionResult is_odd(pid_t daemon) {
  cpu_set_t cpus;
  ::sched_getaffinity(daemon, sizeof cpus, &cpus);
  rlimit stack{}, core{};
  ::prlimit(daemon, RLIMIT_STACK, nullptr, &stack);
  ::prlimit(daemon, RLIMIT_CORE, nullptr, &core);
  const std::string personality = text_of("/proc/" + std::to_string(daemon) + "/personality");
  if (::getpriority(PRIO_PROCESS, static_cast<id_t>(daemon)) != 5)
    return ::testing::AssertionFailure() << "its nice value is not 5";
  if (CPU_COUNT(&cpus) != 1) return ::testing::AssertionFailure() << "it may use other processors too";
#ifdef __SANITIZE_ADDRESS__
  core.rlim_cur = RLIM_INFINITY;  // its runtime has set another in herdd
#endif
  if (stack.rlim_cur != kOddStack || core.rlim_cur != RLIM_INFINITY)
    return ::testing::AssertionFailure() << "its limits are not odd";
  if (personality != "00040000\n") return ::testing::AssertionFailure() << "personality " << personality;
  return ::testing::AssertionSuccess();
}

class IsolationInherited : public DaemonTest {
 protected:
  Json report(const Json& overrides = Json::object()) {
    Json pool = testee_pool({"serve"}, {{"sandbox", {{"seccomp", "off"}}}});
    pool.merge_patch(overrides);
    odd_.write_pool("a", pool);
    odd_.start();
    return ask(odd_.acquire("a", "s").at("address"), "/report");
  }
  void TearDown() override {
    if (odd_.is_running()) odd_.stop();
    DaemonTest::TearDown();
  }
  TestDaemon odd_{{.before_exec = start_oddly}};
};

// Pitfall 9.
TEST_F(IsolationInherited, NoSignalIsBlockedOrIgnored) {
  const Json status = report().at("status");
  ASSERT_NE(status_of(odd_.pid())["SigIgn"], "0000000000000000") << "the daemon was not started oddly";
  EXPECT_EQ(status.at("SigBlk"), "0000000000000000");
  EXPECT_EQ(status.at("SigIgn"), "0000000000000000");
}

// Pitfall 10: it follows the thread that made the process, so it is not used: the owner's line is.
TEST_F(IsolationInherited, NoWorkerDiesOfTheEndOfAThreadInTheDaemon) {
  EXPECT_EQ(report().at("pdeathsig"), 0);
}

// Pitfall 20.
TEST_F(IsolationInherited, TheOomScoreIsItsOwn) {
  const Json one = report();
  ASSERT_EQ(text_of("/proc/" + std::to_string(odd_.pid()) + "/oom_score_adj"), "500\n");
  EXPECT_EQ(one.at("oom_score_adj"), 0);
}

// Pitfall 41.
TEST_F(IsolationInherited, ASnapshotOfWhatElseIsInherited) {
  const Json one = report();
  ASSERT_TRUE(is_odd(odd_.pid()));
  EXPECT_EQ(one.at("umask"), 022);
  EXPECT_EQ(one.at("nice"), 0);
  EXPECT_EQ(one.at("personality"), PER_LINUX);
  EXPECT_EQ(one.at("affinity").size(), static_cast<std::size_t>(::sysconf(_SC_NPROCESSORS_ONLN)));
  EXPECT_EQ(one.at("sid"), one.at("pid"));
  EXPECT_EQ(one.at("pgid"), one.at("pid"));
  EXPECT_EQ(one.at("hostname"), odd_.workers("a").at(0).at("id"));
  const Json& limits = one.at("rlimits");
  const auto both = [](auto value) { return Json::array({value, value}); };
  EXPECT_EQ(limits.at("NOFILE"), both(1024));
  EXPECT_EQ(limits.at("STACK"), both(8 << 20));
  EXPECT_EQ(limits.at("MEMLOCK"), both(8 << 20));
  EXPECT_EQ(limits.at("MSGQUEUE"), both(819200));
  EXPECT_EQ(limits.at("SIGPENDING"), both(4096));
  EXPECT_EQ(limits.at("NICE"), both(0));
  EXPECT_EQ(limits.at("RTPRIO"), both(0));
  for (const char* unlimited : {"AS", "DATA", "RSS", "FSIZE", "CPU", "LOCKS", "RTTIME"})
    EXPECT_EQ(limits.at(unlimited), both(nullptr)) << unlimited;
  // No limit either, but for the hard one that the host has for everybody: raising that takes
  // CAP_SYS_RESOURCE.
  rlimit processes{};
  ::getrlimit(RLIMIT_NPROC, &processes);
  const Json hosts = processes.rlim_max == RLIM_INFINITY ? Json(nullptr) : Json(processes.rlim_max);
  EXPECT_EQ(limits.at("NPROC"), Json::array({hosts, hosts}));
}

// Pitfall 35: a core_pattern that names a program runs it as the host's root, whatever the limit is, unless
// it is exactly 1 (core(5), fs/coredump.c).
TEST_F(IsolationInherited, ACrashLeavesNoCoreAndStartsNoCoreHandler) {
  const Json one = report();
  EXPECT_EQ(one.at("rlimits").at("CORE"), Json::array({1, 1}));
  const Json session = odd_.acquire("a", "s");
  ask(session.at("address"), "/crash");
  const Json gone = odd_.wait_for({.type = "worker_gone", .worker = session.at("worker")});
  EXPECT_EQ(gone.at("reason").at("kind"), "signaled");
  EXPECT_EQ(gone.at("reason").at("signal"), SIGSEGV);
}

}  // namespace
}  // namespace herd::test
