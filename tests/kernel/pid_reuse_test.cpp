// Pitfall 51: a pid that was a worker's may be anybody's by the time that the daemon acts.
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

/// A process that only waits; with that pid, or with any for 0. -1 where the pid is taken.
pid_t start_bystander(pid_t wanted = 0) {
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  if (wanted > 0) {
    arguments.set_tid = reinterpret_cast<std::uint64_t>(&wanted);
    arguments.set_tid_size = 1;
  }
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
  if (pid == 0)
    for (;;) ::pause();
  return pid;
}

void end_bystander(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

using PidReuse = DaemonTest;

// The daemon has not yet seen that its worker ended, and the pid is another's already.
TEST_F(PidReuse, AStopHarmsNobodyWhoHasTheWorkersOldPid) {
  start_with("a", testee_pool({"serve"}, {{"workers", {{"min", 0}}}}));
  const Json session = daemon_.acquire("a", "s");
  const std::string worker = session.at("worker");
  const pid_t pid = session.at("pid"), init = std::stoi(status_of(pid)["PPid"]);
  ASSERT_EQ(status_of(init)["Name"], "herd-exec");
  const UniqueFd ended = open_pidfd(init);

  daemon_.signal(SIGSTOP);
  ::kill(init, SIGKILL);
  ASSERT_TRUE(ends_within(ended, kPatience));  // and before it all of its pid namespace
  const pid_t decoy = start_bystander(pid);
  EXPECT_EQ(decoy, pid) << "somebody else was faster";
  const UniqueFd request = connect_to("unix:" + daemon_.socket());
  const std::string text = "POST /v1/workers/" + worker + "/stop HTTP/1.1\r\nHost: herd\r\n\r\n";
  EXPECT_EQ(::send(request.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  daemon_.signal(SIGCONT);
  char answer;
  EXPECT_EQ(::recv(request.get(), &answer, 1, 0), 1);

  const Json gone = daemon_.wait_for({.type = "worker_gone", .worker = worker});
  EXPECT_EQ(gone.at("reason").at("kind"), "signaled") << gone;
  EXPECT_NE(daemon_.worker(worker).at("pid"), pid) << "that is somebody else's now";
  EXPECT_TRUE(daemon_.workers("a").empty());
  EXPECT_TRUE(is_running(decoy));
  end_bystander(decoy);
}

/// Writing it in a namespace of its own leaves the host's as it is.
bool has_pid_max_of_its_own() {
  utsname system{};
  ::uname(&system);
  int major = 0, minor = 0;
  std::sscanf(system.release, "%d.%d", &major, &minor);
  return major > 6 || (major == 6 && minor >= 14);
}

constexpr int kPidMax = 400;
constexpr int kReservedPids = 300;  // from here on, once the numbers have come around
constexpr int kBystanders = 20;
constexpr int kSessions = 300;

std::vector<pid_t> start_bystanders() {
  for (pid_t pid = 0; pid < kReservedPids; end_bystander(pid)) pid = start_bystander();
  std::vector<pid_t> pids;
  while (pids.size() < kBystanders) {
    pids.push_back(start_bystander());
    end_bystander(start_bystander());  // a number between any two
  }
  return pids;
}

/// Runs as the init of a pid namespace with few pids.
void serve_sessions_among_bystanders() {
  const std::vector<pid_t> bystanders = start_bystanders();
  TestDaemon daemon;
  daemon.write_pool("a", testee_pool({"serve"}, {{"workers", {{"min", 1}, {"max", 4}, {"spare", 1}}}}));
  daemon.start();
  std::set<pid_t> seen;
  int repeated = 0;
  for (int i = 0; i < kSessions; ++i) {
    const Json session = daemon.acquire("a", std::to_string(i));
    if (!seen.insert(session.at("pid").get<pid_t>()).second) ++repeated;
    daemon.remove("/v1/pools/a/sessions/" + std::to_string(i));
    const Json gone = daemon.wait_for({.type = "worker_gone", .worker = session.at("worker")});
    EXPECT_EQ(gone.at("reason").at("kind"), "session_ended") << gone;
  }
  EXPECT_GT(repeated, 0) << "nothing was tried";
  for (const pid_t bystander : bystanders) EXPECT_TRUE(is_running(bystander)) << bystander;
  daemon.stop();
}

[[noreturn]] void run_as_init() {
  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  if (::mount("proc", "/proc", "proc", 0, nullptr) != 0) ::_exit(126);
  std::ofstream("/proc/sys/kernel/pid_max") << kPidMax;
  try {
    serve_sessions_among_bystanders();
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
  ::_exit(::testing::Test::HasFailure() ? 1 : 0);
}

/// The wait status of run_as_init(). A process between, as one can't leave a pid namespace again.
int run_in_pid_namespace() {
  const pid_t helper = ::fork();
  if (helper == 0) {
    if (::unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) ::_exit(126);
    const pid_t init = ::fork();
    if (init == 0) run_as_init();
    int status = 0;
    ::waitpid(init, &status, 0);
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 125);
  }
  int status = 0;
  ::waitpid(helper, &status, 0);
  return status;
}

class PidStorm : public ::testing::Test {};

TEST_F(PidStorm, PidsThatComeAgainAndAgainHarmNoBystander) {
  HERD_NEEDS(can_run_workers(), "root and a cgroup tree");
  HERD_ONLY_WITH(has_pid_max_of_its_own(), "pid_max of each pid namespace (Linux 6.14)");
  const std::string before = text_of("/proc/sys/kernel/pid_max");
  const int status = run_in_pid_namespace();
  const std::string after = text_of("/proc/sys/kernel/pid_max");
  if (after != before) std::ofstream("/proc/sys/kernel/pid_max") << before;
  EXPECT_EQ(after, before);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "its wait status is " << status;
}

}  // namespace
}  // namespace herd::test
