// Filters in force: what the kernel then does is what the evaluator said.
#include "common/seccomp/install.hpp"

#include <gtest/gtest.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

#include "common/seccomp/build.hpp"
#include "tests/unit/seccomp/under_filter.hpp"

namespace herd::seccomp {
namespace {

using test::End;
using test::raw;
using test::run_plain;
using test::run_under;

const std::vector<sock_filter>& filter(Policy policy) {
  static const Program log = build("worker", Policy::log).value();
  static const Program errno_ = build("worker", Policy::errno_).value();
  static const Program kill = build("worker", Policy::kill).value();
  return (policy == Policy::log ? log : policy == Policy::errno_ ? errno_ : kill).instructions;
}

/// Makes one call under policy errno; its errno is the child's exit code.
int errno_of(const std::function<int()>& body) {
  return run_under(filter(Policy::errno_), body).exit_code;
}

TEST(FilterInForce, DeniesWithEperm) {
  EXPECT_EQ(errno_of([] { return raw(SYS_mount); }), EPERM);
  EXPECT_EQ(errno_of([] { return raw(SYS_ptrace, 0); }), EPERM);
  EXPECT_EQ(errno_of([] { return raw(SYS_keyctl, 0); }), EPERM);
  EXPECT_EQ(errno_of([] { return raw(SYS_bpf, 1000); }), EPERM);
  EXPECT_EQ(errno_of([] { return raw(SYS_chroot, reinterpret_cast<long>("/")); }), EPERM);
  EXPECT_EQ(errno_of([] { return raw(SYS_process_vm_readv, ::getpid()); }), EPERM);
}

TEST(FilterInForce, NestedNamespacesFail) {
  EXPECT_EQ(errno_of([] { return raw(SYS_unshare, CLONE_NEWUSER); }), EPERM);
  EXPECT_EQ(errno_of([] { return raw(SYS_setns, -1, 0); }), EPERM);
  EXPECT_EQ(errno_of([] { return raw(SYS_clone, CLONE_NEWUSER | SIGCHLD); }), EPERM);
  EXPECT_EQ(errno_of([] { return raw(SYS_clone, CLONE_NEWNET | SIGCHLD); }), EPERM);
  EXPECT_EQ(errno_of([] { return raw(SYS_clone3, 0, 0); }), ENOSYS);
}

TEST(FilterInForce, FallsBackFromWhatAFilterCantRead) {
  EXPECT_EQ(errno_of([] {
              io_uring_params parameters{};
              return raw(SYS_io_uring_setup, 1, reinterpret_cast<long>(&parameters));
            }),
            ENOSYS);
  EXPECT_EQ(errno_of([] { return raw(900); }), ENOSYS);
}

TEST(FilterInForce, TerminalInputIsDeniedWithHighBitsToo) {
  const auto push = [](long request) { return [=] { return raw(SYS_ioctl, 0, request, 0); }; };
  EXPECT_EQ(errno_of(push(TIOCSTI)), EPERM);
  EXPECT_EQ(errno_of(push(TIOCSTI | 1L << 32)), EPERM);
  EXPECT_EQ(errno_of(push(TIOCLINUX | 1L << 40)), EPERM);
  EXPECT_NE(errno_of(push(FIONREAD)), EPERM);
}

TEST(FilterInForce, SocketFamilies) {
  const auto make = [](long family, long type, long protocol) {
    return errno_of([=] { return raw(SYS_socket, family, type, protocol); });
  };
  EXPECT_EQ(make(AF_UNIX, SOCK_STREAM, 0), 0);
  EXPECT_EQ(make(AF_INET, SOCK_STREAM, 0), 0);
  EXPECT_EQ(make(AF_INET6, SOCK_DGRAM, 0),
            run_plain([] { return raw(SYS_socket, AF_INET6, SOCK_DGRAM); }).exit_code);
  EXPECT_EQ(make(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), 0);
  EXPECT_EQ(make(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT), EPERM);
  EXPECT_EQ(make(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER), EPERM);
  EXPECT_EQ(make(AF_PACKET, SOCK_RAW, 0), EPERM);
  EXPECT_EQ(make(AF_VSOCK, SOCK_STREAM, 0), EPERM);
  EXPECT_EQ(make(AF_ALG, SOCK_SEQPACKET, 0), EPERM);
  EXPECT_EQ(make(AF_PACKET | 1L << 32, SOCK_RAW, 0), EPERM);
  EXPECT_EQ(make(AF_MAX + 1, SOCK_STREAM, 0), EPERM);
}

TEST(FilterInForce, PolicyKillEndsTheProcess) {
  const auto end = run_under(filter(Policy::kill), [] {
    // From a second thread: the whole process ends, not the thread.
    std::thread([] { raw(SYS_mount); }).join();
    return 0;
  });
  EXPECT_EQ(end.signal, SIGSYS);
}

TEST(FilterInForce, PolicyKillStillFallsBack) {
  EXPECT_EQ(run_under(filter(Policy::kill), [] { return raw(SYS_clone3, 0, 0); }).exit_code, ENOSYS);
  EXPECT_EQ(run_under(filter(Policy::kill), [] { return raw(900); }).exit_code, ENOSYS);
}

TEST(FilterInForce, PolicyLogLetsTheKernelAnswer) {
  const auto denied_call = [] {
    return raw(SYS_settimeofday, 1, 0);
  };  // EFAULT, before any privilege is asked for
  ASSERT_EQ(run_plain(denied_call).exit_code, EFAULT);
  EXPECT_EQ(run_under(filter(Policy::log), denied_call).exit_code, EFAULT);
  EXPECT_EQ(run_under(filter(Policy::log), denied_call, {.log_denials = true}).exit_code, EFAULT);
  EXPECT_EQ(run_under(filter(Policy::errno_), denied_call).exit_code, EPERM);
  EXPECT_EQ(run_under(filter(Policy::log), [] { return raw(SYS_clone3, 0, 0); }).exit_code, ENOSYS);
}

#if defined(__x86_64__)
int getpid_by_int80() {
  long result = 20;  // getpid of i386
  asm volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
  return result > 0 ? 0 : 1;
}

TEST(FilterInForce, CallsOfI386EndTheProcess) {
  if (run_plain(getpid_by_int80).signal == SIGSEGV) GTEST_SKIP() << "this kernel has no i386 calls";
  for (const Policy policy : {Policy::log, Policy::errno_, Policy::kill})
    EXPECT_EQ(run_under(filter(policy), getpid_by_int80).signal, SIGSYS) << name(policy);
}

TEST(FilterInForce, CallsOfX32EndTheProcess) {
  for (const Policy policy : {Policy::log, Policy::errno_, Policy::kill})
    EXPECT_EQ(run_under(filter(policy), [] { return raw(0x4000'0000 | SYS_getpid); }).signal, SIGSYS)
        << name(policy);
}
#endif

TEST(Install, NeedsNoNewPrivileges) {
  if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) GTEST_SKIP() << "the tests run without new privileges";
  const auto end = run_plain([] {
    // Without privileges of its own: an ordinary user's process.
    if (::getuid() == 0 && ::syscall(SYS_setresuid, 65534, 65534, 65534) != 0) return 2;
    const auto status = install(filter(Policy::errno_), {});
    return !status && status.error().errno_value == EACCES ? 0 : 1;
  });
  EXPECT_EQ(end.exit_code, 0);
}

TEST(Install, RefusesAProgramThatIsTooLong) {
  // 65537 instructions would be 1 in the 16 bits of sock_fprog.
  const std::vector<sock_filter> program(65537, sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW});
  EXPECT_FALSE(install(program, {}));
}

/// A thread that waits until told to go on, then runs its work.
class Waiting {
 public:
  explicit Waiting(std::function<void()> first, std::function<int()> then)
      : thread_([this, first = std::move(first), then = std::move(then)] {
          first();
          std::unique_lock lock(mutex_);
          ready_ = true;
          changed_.notify_all();
          changed_.wait(lock, [this] { return go_; });
          result_ = then();
        }) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ready_; });
  }
  int finish() {
    {
      const std::lock_guard lock(mutex_);
      go_ = true;
    }
    changed_.notify_all();
    thread_.join();
    return result_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ready_ = false, go_ = false;
  int result_ = -1;
  std::thread thread_;
};

TEST(Install, ReachesAllThreads) {
  const auto end = run_plain([] {
    Waiting other([] {}, [] { return raw(SYS_adjtimex, 0); });
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!install(filter(Policy::errno_), {.all_threads = true})) return 200;
    return other.finish();
  });
  EXPECT_EQ(end.exit_code, EPERM);
}

TEST(Install, WithoutAllThreadsLeavesTheOthers) {
  const auto end = run_plain([] {
    Waiting other([] {}, [] { return raw(SYS_adjtimex, 0); });
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!install(filter(Policy::errno_), {})) return 200;
    return other.finish();
  });
  EXPECT_EQ(end.exit_code, EFAULT) << "the kernel's own answer";
}

/// TSYNC's failure is a positive thread id, which must not be taken for success.
TEST(Install, AThreadWithAFilterOfItsOwnIsAFailure) {
  const auto end = run_plain([] {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const std::vector<sock_filter> other_filter = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
    Waiting other([&] { (void)install(other_filter, {}).has_value(); }, [] { return 0; });
    const auto status = install(filter(Policy::errno_), {.all_threads = true});
    const bool told = !status && status.error().message.find("has another filter") != std::string::npos;
    const bool nothing_installed = raw(SYS_adjtimex, 0) == EFAULT;
    other.finish();
    return told && nothing_installed ? 0 : 1;
  });
  EXPECT_EQ(end.exit_code, 0);
}

}  // namespace
}  // namespace herd::seccomp
