#include "common/seccomp/presets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <sys/syscall.h>

#include <ctime>
#include <map>

#include "common/seccomp/build.hpp"
#include "common/seccomp/evaluator.hpp"
#include "common/seccomp/meaning.hpp"
#include "common/seccomp/syscalls.hpp"
#include "tests/unit/seccomp/calls.hpp"

namespace herd::seccomp {
namespace {

using test::call;
using test::kEnosys;
using test::kEperm;
using test::kHighBit;
using testing::HasSubstr;
using testing::IsSubsetOf;

/// What must be out of a worker's reach, whatever else changes in the preset.
const std::vector<std::string> kNever = {
    // other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "process_madvise", "kcmp", "move_pages",
    "migrate_pages",
    // keys, tracing, programs in the kernel
    "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd", "fanotify_init",
    "lookup_dcookie",
    // mounts, roots and namespaces
    "mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "open_tree", "move_mount", "fsopen",
    "fsconfig", "fsmount", "fspick", "mount_setattr", "open_by_handle_at", "name_to_handle_at", "quotactl",
    "quotactl_fd",
    // the host
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "syslog",
    "acct", "swapon", "swapoff", "sethostname", "setdomainname", "ioperm", "iopl", "modify_ldt", "vhangup",
    "settimeofday", "clock_settime", "clock_adjtime", "adjtimex"};
const std::vector<std::string> kNoSuchSyscall = {"clone3", "io_uring_setup", "io_uring_enter",
                                                 "io_uring_register"};
/// A libc tries these before what they replace: EPERM would be taken for an answer.
const std::vector<std::string> kTriedFirst = {
    "rseq",        "statx",     "faccessat2", "openat2",    "close_range",     "epoll_pwait2",    "fchmodat2",
    "futex_waitv", "getrandom", "membarrier", "pidfd_open", "set_robust_list", "map_shadow_stack"};
class WorkerPreset : public testing::TestWithParam<std::tuple<Policy, Arch>> {
 protected:
  WorkerPreset() : policy_(std::get<0>(GetParam())), arch_(std::get<1>(GetParam())) {
    auto program = build("worker", policy_, arch_);
    EXPECT_TRUE(program) << program.error().message;
    if (program) program_ = *program;
    for (const auto& known : known_syscalls(arch_)) numbers_[known.name] = known.number;
  }

  [[nodiscard]] std::uint32_t run(int number, std::array<std::uint64_t, 6> arguments = {}) const {
    return evaluate(program_.instructions, call(number, arguments, arch_)).value_or(0xdead);
  }
  [[nodiscard]] std::uint32_t run(const std::string& name,
                                  std::array<std::uint64_t, 6> arguments = {}) const {
    return run(numbers_.at(name), arguments);
  }
  [[nodiscard]] std::uint32_t denied() const {
    if (policy_ == Policy::log) return SECCOMP_RET_LOG;
    return policy_ == Policy::errno_ ? kEperm : SECCOMP_RET_KILL_PROCESS;
  }

  Policy policy_;
  Arch arch_;
  Program program_;
  std::map<std::string, int> numbers_;
};

INSTANTIATE_TEST_SUITE_P(Seccomp, WorkerPreset,
                         testing::Combine(testing::Values(Policy::log, Policy::errno_, Policy::kill),
                                          testing::Values(Arch::x86_64, Arch::aarch64)),
                         [](const auto& instance) {
                           return std::string(name(std::get<0>(instance.param))) + "_" +
                                  std::string(name(std::get<1>(instance.param)));
                         });

TEST_P(WorkerPreset, DeniesWhatReachesOutOfTheWorker) {
  for (const auto& name : kNever)
    if (numbers_.contains(name)) {
      EXPECT_EQ(run(name), denied()) << name;
    }
}

TEST_P(WorkerPreset, HasNoSuchSyscallUnderEveryPolicy) {
  for (const auto& name : kNoSuchSyscall) EXPECT_EQ(run(name), kEnosys) << name;
}

TEST_P(WorkerPreset, AllowsWhatALibcTriesFirst) {
  for (const auto& name : kTriedFirst)
    if (numbers_.contains(name)) {
      EXPECT_EQ(run(name), SECCOMP_RET_ALLOW) << name;
    }
}

TEST_P(WorkerPreset, UnknownNumbersFallBack) {
  const std::uint32_t unknown = policy_ == Policy::log ? SECCOMP_RET_LOG : kEnosys;
  for (const int number : {900, kSyscallNumberLimit, 0x3fff'ffff, -1})
    EXPECT_EQ(run(number), unknown) << number;
}

TEST_P(WorkerPreset, ForeignArchitecturesAndX32EndTheProcess) {
  for (const std::uint32_t arch :
       {AUDIT_ARCH_I386, AUDIT_ARCH_ARM, 0, static_cast<int>(AUDIT_ARCH_RISCV64)}) {
    const seccomp_data data{3, arch, 0, {}};
    EXPECT_EQ(evaluate(program_.instructions, data).value(), SECCOMP_RET_KILL_PROCESS) << arch;
  }
  if (arch_ != Arch::x86_64) return;
  for (const int number : {0, 59, 512, 0xfff}) EXPECT_EQ(run(0x4000'0000 | number), SECCOMP_RET_KILL_PROCESS);
}

TEST_P(WorkerPreset, CloneMakesThreadsAndProcessesButNoNamespaces) {
  EXPECT_EQ(run("clone", {0x3d0f00}), SECCOMP_RET_ALLOW) << "a thread of glibc";
  EXPECT_EQ(run("clone", {0x1200011}), SECCOMP_RET_ALLOW) << "glibc's fork";
  EXPECT_EQ(run("clone", {0x4111}), SECCOMP_RET_ALLOW) << "posix_spawn: VM and VFORK";
  for (const std::uint64_t flag :
       {0x0002'0000, 0x0200'0000, 0x0400'0000, 0x0800'0000, 0x1000'0000, 0x2000'0000, 0x4000'0000}) {
    EXPECT_EQ(run("clone", {flag | 17}), denied()) << flag;
    EXPECT_EQ(run("clone", {flag | 17 | kHighBit}), denied()) << flag;
  }
}

TEST_P(WorkerPreset, IoctlReachesNoTerminalInput) {
  EXPECT_EQ(run("ioctl", {0, 0x5401}), SECCOMP_RET_ALLOW) << "TCGETS";
  EXPECT_EQ(run("ioctl", {0, 0x541b}), SECCOMP_RET_ALLOW) << "FIONREAD";
  for (const std::uint64_t request : {0x5412, 0x541c, 0x5423, 0xaa00}) {
    EXPECT_EQ(run("ioctl", {0, request}), denied()) << request;
    EXPECT_EQ(run("ioctl", {0, request | kHighBit}), denied()) << request;
    EXPECT_EQ(run("ioctl", {0, request | std::uint64_t{1} << 63}), denied()) << request;
  }
}

TEST_P(WorkerPreset, SocketFamilies) {
  constexpr std::uint64_t kLastFamily = 64;  // above AF_MAX
  for (std::uint64_t family = 0; family < kLastFamily; ++family)
    for (const std::uint64_t high : {std::uint64_t{0}, kHighBit, ~std::uint64_t{0} << 32}) {
      const bool allowed = family == 1 || family == 2 || family == 10 || family == 16;
      EXPECT_EQ(run("socket", {family | high, 1, 0}), allowed ? SECCOMP_RET_ALLOW : denied()) << family;
      EXPECT_EQ(run("socketpair", {family | high, 1, 0}), family == 1 ? SECCOMP_RET_ALLOW : denied())
          << family;
    }
  for (std::uint64_t protocol = 1; protocol < 32; ++protocol) {
    EXPECT_EQ(run("socket", {16, 3, protocol}), denied()) << "netlink " << protocol;
    EXPECT_EQ(run("socket", {16, 3, protocol | kHighBit}), denied()) << "netlink " << protocol;
    EXPECT_EQ(run("socket", {2, 1, protocol}), SECCOMP_RET_ALLOW) << "inet " << protocol;
  }
}

// Pitfall 35: with a limit of 0 a crash would start the program of a piped core_pattern as the host's root.
TEST_P(WorkerPreset, TheCoreLimitIsAskedButNotChanged) {
  constexpr std::uint64_t kCore = 4, kOpenFiles = 7, kSomewhere = 0x7fff'0000'1000;
  for (const std::uint64_t high : {std::uint64_t{0}, kHighBit}) {
    EXPECT_EQ(run("setrlimit", {kCore | high, kSomewhere}), denied());
    EXPECT_EQ(run("prlimit64", {0, kCore | high, kSomewhere, 0}), denied());
    EXPECT_EQ(run("prlimit64", {0, kCore | high, kHighBit, 0}), denied());
    EXPECT_EQ(run("prlimit64", {0, kCore | high, 0, kSomewhere}), SECCOMP_RET_ALLOW);
    EXPECT_EQ(run("setrlimit", {kOpenFiles | high, kSomewhere}), SECCOMP_RET_ALLOW);
    EXPECT_EQ(run("prlimit64", {0, kOpenFiles | high, kSomewhere, 0}), SECCOMP_RET_ALLOW);
  }
}

TEST_P(WorkerPreset, PersonalityIsAskedButNotWeakened) {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{0xffff'ffff}, ~std::uint64_t{0}})
    EXPECT_EQ(run("personality", {value}), SECCOMP_RET_ALLOW) << value;
  for (const std::uint64_t value : {0x40000, 0x400000, 0x60000, 8})
    EXPECT_EQ(run("personality", {value}), denied());
}

TEST_P(WorkerPreset, NamesEachCallByAKnownName) {
  for (const auto& name : program_.summary.names_without_number) EXPECT_TRUE(is_syscall_name(name)) << name;
  EXPECT_EQ(program_.summary.no_such_syscall, kNoSuchSyscall.size());
  EXPECT_EQ(program_.summary.by_arguments, 7U);
}

TEST(Presets, AnUnknownNameIsAnswered) {
  const auto profile = preset("wroker");
  ASSERT_FALSE(profile);
  EXPECT_EQ(profile.error().message,
            "no seccomp profile is called 'wroker' (there are: worker, strict, network, deny-dangerous)");
  EXPECT_FALSE(build("wroker", Policy::errno_));
}

/// What each preset answers to one call, by its name.
class Answers {
 public:
  explicit Answers(std::string_view name, Arch arch = native_arch())
      : arch_(arch), program_(build(name, Policy::errno_, arch).value()) {
    for (const auto& known : known_syscalls(arch)) numbers_[known.name] = known.number;
  }
  std::uint32_t operator()(const std::string& name, std::array<std::uint64_t, 6> arguments = {}) const {
    return evaluate(program_.instructions, call(numbers_.at(name), arguments, arch_)).value_or(0xdead);
  }
  [[nodiscard]] bool has(const std::string& name) const { return numbers_.contains(name); }

 private:
  Arch arch_;
  Program program_;
  std::map<std::string, int> numbers_;
};

TEST(Presets, StrictHasThreadsButNoProcessesAndNoSocketsOfItsOwn) {
  for (const Arch arch : {Arch::x86_64, Arch::aarch64}) {
    const Answers strict("strict", arch);
    EXPECT_EQ(strict("clone", {0x3d0f00}), SECCOMP_RET_ALLOW) << "a thread of glibc";
    EXPECT_EQ(strict("clone", {0x1200011}), kEperm) << "glibc's fork";
    EXPECT_EQ(strict("clone", {0x3d0f00 | 0x1000'0000}), kEperm) << "a user namespace";
    for (const char* name : {"connect", "bind", "kill", "ptrace", "msgget", "setuid", "seccomp", "mknodat"})
      EXPECT_EQ(strict(name), kEperm) << name;
    for (const char* name :
         {"execve", "accept4", "socketpair", "sendmsg", "futex", "mmap", "openat", "tgkill"})
      EXPECT_EQ(strict(name, {1}), SECCOMP_RET_ALLOW) << name;
    EXPECT_EQ(strict("clone3"), kEnosys);
    EXPECT_EQ(strict("socket", {1}), SECCOMP_RET_ALLOW) << "readiness is told with it";
    EXPECT_EQ(strict("socket", {2}), kEperm);
  }
}

TEST(Presets, NetworkIsTheWorkerWithEveryKindOfNetworkSocket) {
  const Answers network("network"), worker("worker");
  for (const std::uint64_t family : {1, 2, 10, 16, 17})
    EXPECT_EQ(network("socket", {family, 3, 9}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(worker("socket", {17, 3, 0}), kEperm);
  EXPECT_EQ(network("socket", {38, 5, 0}), kEperm) << "the kernel's crypto is no network";
  EXPECT_EQ(network("mount"), kEperm);
  EXPECT_EQ(network("clone3"), kEnosys);
}

const std::vector<std::string> kDangerous = {"ptrace",
                                             "process_vm_readv",
                                             "process_vm_writev",
                                             "keyctl",
                                             "add_key",
                                             "request_key",
                                             "bpf",
                                             "perf_event_open",
                                             "userfaultfd",
                                             "io_uring_setup",
                                             "io_uring_enter",
                                             "io_uring_register",
                                             "mount",
                                             "umount2",
                                             "pivot_root",
                                             "unshare",
                                             "setns",
                                             "create_module",
                                             "init_module",
                                             "finit_module",
                                             "delete_module",
                                             "kexec_load",
                                             "kexec_file_load",
                                             "reboot",
                                             "personality",
                                             "syslog",
                                             "acct",
                                             "swapon",
                                             "swapoff",
                                             "sethostname",
                                             "setdomainname",
                                             "ioperm",
                                             "iopl",
                                             "clone3",
                                             "open_by_handle_at",
                                             "fsopen",
                                             "fsconfig",
                                             "fsmount",
                                             "fspick",
                                             "move_mount",
                                             "open_tree",
                                             "open_tree_attr",
                                             "mount_setattr",
                                             "pidfd_getfd",
                                             "process_madvise"};

TEST(Presets, DenyDangerousAllowsAllButWhatItNames) {
  for (const Arch arch : {Arch::x86_64, Arch::aarch64}) {
    const Answers answers("deny-dangerous", arch);
    for (const std::string& name : kDangerous)
      if (answers.has(name)) {
        EXPECT_NE(answers(name), SECCOMP_RET_ALLOW) << name;
      }
    std::size_t allowed = 0, denied = 0;
    for (const auto& known : known_syscalls(arch))
      ++(answers(known.name) == SECCOMP_RET_ALLOW ? allowed : denied);
    EXPECT_LE(denied, kDangerous.size());
    EXPECT_GT(allowed, 250U);
    EXPECT_EQ(answers("clone", {0x1000'0011}), kEperm);
    EXPECT_EQ(answers("clone", {17}), SECCOMP_RET_ALLOW);
    for (const std::uint64_t request : {0x5412, 0x541c})
      for (const std::uint64_t high : {std::uint64_t{0}, kHighBit})
        EXPECT_EQ(answers("ioctl", {0, request | high}), kEperm);
    EXPECT_EQ(answers("ioctl", {0, 0x5401}), SECCOMP_RET_ALLOW);
    EXPECT_EQ(answers("clone3"), kEnosys) << "or every libc would fail instead of falling back to clone";
  }
}

TEST(Presets, AreBuiltFast) {
  const std::clock_t start = std::clock();  // of this process alone, so that a busy machine does not count
  ASSERT_TRUE(build("worker", Policy::errno_));
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_LT(seconds, 0.5) << "5 ms in a release build, 30 ms without optimization";
}

}  // namespace
}  // namespace herd::seccomp
