#include "common/seccomp/lint.hpp"

#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/seccomp/dump.hpp"
#include "common/seccomp/meaning.hpp"
#include "common/seccomp/syscalls.hpp"

namespace herd::seccomp {
namespace {

using Lint = LintFinding::Kind;

/// With arguments that make it dangerous.
struct Danger {
  std::vector<const char*> calls;
  unsigned index;  // of the argument
  std::uint64_t value;
  const char* why;
};

const std::vector<Danger>& dangers() {
  static const std::vector<Danger> kDangers{
      {{"ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "process_madvise"},
       0,
       0,
       "reaches into other processes"},
      {{"bpf", "perf_event_open", "userfaultfd"}, 0, 0, "has been the way into many kernels"},
      {{"io_uring_setup", "io_uring_enter", "io_uring_register"}, 0, 0, "does calls that no filter sees"},
      {{"clone3"}, 0, 0, "has its flags in memory, where no filter sees CLONE_NEWUSER: answer ENOSYS"},
      {{"add_key", "keyctl", "request_key"}, 0, 0, "reaches the kernel's keyrings, which no namespace parts"},
      {{"mount", "umount2", "pivot_root", "fsopen", "fsconfig", "fsmount", "fspick", "move_mount",
        "open_tree", "open_tree_attr", "mount_setattr", "unshare", "setns"},
       0,
       0,
       "changes mounts and namespaces"},
      {{"open_by_handle_at"}, 0, 0, "opens files beside every mount namespace"},
      {{"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon",
        "swapoff", "acct", "syslog", "iopl", "ioperm", "sethostname", "setdomainname"},
       0,
       0,
       "is for who runs the host"},
      {{"personality"}, 0, 0x0040000, "with ADDR_NO_RANDOMIZE takes the random out of addresses"},
      {{"clone"}, 0, CLONE_NEWUSER, "with CLONE_NEWUSER makes a namespace in which it has all capabilities"},
      {{"ioctl"}, 1, TIOCSTI, "with TIOCSTI types into a terminal that somebody else reads"},
      {{"ioctl"}, 1, TIOCLINUX, "with TIOCLINUX pastes into a console"},
      {{"socket"}, 0, 38, "with AF_ALG reaches the kernel's crypto"},
      {{"socket"}, 0, 40, "with AF_VSOCK reaches the hypervisor and other guests"}};
  return kDangers;
}

/// What glibc and musl call before main, and to start a thread or end.
constexpr const char* kNeeded[] = {"read",         "write",           "close",           "newfstatat",
                                   "mmap",         "mprotect",        "munmap",          "brk",
                                   "rt_sigaction", "pread64",         "lseek",           "rt_sigprocmask",
                                   "rt_sigreturn", "openat",          "futex",           "exit",
                                   "exit_group",   "set_tid_address", "set_robust_list", "prlimit64",
                                   "getrandom",    "restart_syscall", "clone",           "madvise",
                                   "arch_prctl"};

/// Newer calls that libc and runtimes try first; from ENOSYS they fall back to an older one.
constexpr const char* kTriedFirst[] = {"clone3",
                                       "rseq",
                                       "faccessat2",
                                       "openat2",
                                       "close_range",
                                       "statx",
                                       "epoll_pwait2",
                                       "fchmodat2",
                                       "copy_file_range",
                                       "pidfd_open",
                                       "futex_waitv",
                                       "renameat2",
                                       "preadv2",
                                       "pwritev2",
                                       "memfd_create",
                                       "execveat",
                                       "landlock_create_ruleset"};

/// Which arguments are addresses; calls that profiles have conditions on, not all that there are.
const std::map<std::string, std::vector<unsigned>>& pointers() {
  static const std::map<std::string, std::vector<unsigned>> kPointers{
      {"read", {1}},           {"write", {1}},        {"open", {0}},           {"openat", {1}},
      {"openat2", {1, 2}},     {"stat", {0, 1}},      {"lstat", {0, 1}},       {"fstat", {1}},
      {"newfstatat", {1, 2}},  {"statx", {1, 4}},     {"access", {0}},         {"faccessat", {1}},
      {"faccessat2", {1}},     {"execve", {0, 1, 2}}, {"execveat", {1, 2, 3}}, {"connect", {1}},
      {"bind", {1}},           {"accept", {1, 2}},    {"accept4", {1, 2}},     {"sendto", {1, 4}},
      {"recvfrom", {1, 4, 5}}, {"sendmsg", {1}},      {"recvmsg", {1}},        {"unlink", {0}},
      {"unlinkat", {1}},       {"mkdir", {0}},        {"mkdirat", {1}},        {"rename", {0, 1}},
      {"renameat", {1, 3}},    {"renameat2", {1, 3}}, {"chmod", {0}},          {"chown", {0}},
      {"mount", {0, 1, 2, 4}}, {"umount2", {0}},      {"clone3", {0}},         {"readlink", {0, 1}},
      {"readlinkat", {1, 2}},  {"symlink", {0, 1}},   {"link", {0, 1}},        {"truncate", {0}},
      {"chdir", {0}},          {"chroot", {0}},       {"pivot_root", {0, 1}},  {"getrandom", {0}},
      {"prlimit64", {2, 3}},   {"setrlimit", {1}},    {"setsockopt", {3}},     {"getsockopt", {3, 4}},
      {"futex", {0}},          {"bpf", {1}}};
  return kPointers;
}

/// Which arguments the kernel reads as `int` or `unsigned int`.
const std::map<std::string, std::vector<unsigned>>& ints() {
  static const std::map<std::string, std::vector<unsigned>> kInts{{"ioctl", {0, 1}},
                                                                  {"socket", {0, 1, 2}},
                                                                  {"socketpair", {0, 1, 2}},
                                                                  {"fcntl", {0, 1}},
                                                                  {"prctl", {0}},
                                                                  {"setsockopt", {0, 1, 2, 4}},
                                                                  {"getsockopt", {0, 1, 2}},
                                                                  {"personality", {0}},
                                                                  {"kill", {0, 1}},
                                                                  {"tgkill", {0, 1, 2}},
                                                                  {"setrlimit", {0}},
                                                                  {"prlimit64", {0, 1}},
                                                                  {"openat", {0, 2}},
                                                                  {"open", {1}},
                                                                  {"madvise", {2}},
                                                                  {"futex", {1}},
                                                                  {"keyctl", {0}},
                                                                  {"bpf", {0}},
                                                                  {"seccomp", {0, 1}}};
  return kInts;
}

bool contains(const std::map<std::string, std::vector<unsigned>>& table, const std::string& call,
              unsigned index) {
  const auto row = table.find(call);
  return row != table.end() && std::ranges::find(row->second, index) != row->second.end();
}

class Linter {
 public:
  Linter(const Profile& profile, Arch arch) : meaning_(profile, Policy::errno_, arch), arch_(arch) {
    for (const CallAnswers& call : answers(profile, Policy::errno_, arch))
      for (const ConditionalAnswer& rule : call.rules)
        if (rule.result == "ALLOW" || rule.result == "LOG") allowed_by_arguments_.insert(call.number);
  }

  std::vector<LintFinding> run() {
    for (const auto& [number, name] : known_syscalls(arch_)) {
      dangerous(number, name);
      needed(number, name);
      for (const Rule* rule : meaning_.rules_of(number))
        for (const ArgCondition& condition : rule->conditions) compared(name, *rule, condition);
    }
    return std::move(findings_);
  }

 private:
  void add(Lint kind, const std::string& call, std::string message) {
    const auto is_same = [&](const LintFinding& finding) {
      return finding.kind == kind && finding.call == call && finding.message == message;
    };
    if (std::ranges::none_of(findings_, is_same)) findings_.push_back({kind, call, std::move(message)});
  }

  [[nodiscard]] std::uint32_t answer(int number, unsigned index = 0, std::uint64_t value = 0) const {
    seccomp_data data{number, audit_arch(arch_), 0, {}};
    data.args[index] = value;
    return meaning_.expected_action(data);
  }

  void dangerous(int number, const std::string& name) {
    for (const Danger& danger : dangers()) {
      if (std::ranges::find(danger.calls, name) == danger.calls.end()) continue;
      const std::uint32_t answered = answer(number, danger.index, danger.value);
      if (answered == SECCOMP_RET_ALLOW || answered == SECCOMP_RET_LOG)
        add(Lint::dangerous, name, std::string("is allowed, and ") + danger.why);
    }
  }

  void needed(int number, const std::string& name) {
    const std::uint32_t answered = answer(number);
    if (answered == SECCOMP_RET_ALLOW || answered == SECCOMP_RET_LOG) return;
    if (!allowed_by_arguments_.contains(number) && std::ranges::find(kNeeded, name) != std::end(kNeeded))
      add(Lint::needed, name, "is denied, and no libc starts a program, starts a thread and ends without it");
    if (has_fallback(name) && answered != (SECCOMP_RET_ERRNO | ENOSYS))
      add(Lint::no_fallback, name,
          "is denied with " + describe_return(answered) +
              "; programs try it first and fall back from ENOSYS only");
  }

  void compared(const std::string& call, const Rule& rule, const ArgCondition& condition) {
    const std::string argument = "argument " + std::to_string(condition.index);
    const bool is_null_test = condition.value == 0 && condition.mask == ~std::uint64_t{0};
    if (contains(pointers(), call, condition.index) && !is_null_test)
      add(Lint::pointer, call,
          argument + " is an address: \"" + describe(condition) + "\" says nothing of what it points to");
    const bool compares_all = condition.op == Compare::equal || condition.op == Compare::not_equal;
    const bool denies = rule.action > Action::log;
    if (contains(ints(), call, condition.index) && compares_all && (condition.op == Compare::equal) == denies)
      add(Lint::high_bits, call,
          "of " + argument + " the kernel reads 32 bits, and \"" + describe(condition) +
              "\" compares 64: with a high bit set the call passes. Use a mask of 0xffffffff");
  }

  Meaning meaning_;
  Arch arch_;
  std::set<int> allowed_by_arguments_;
  std::vector<LintFinding> findings_;
};

}  // namespace

std::string_view name(LintFinding::Kind kind) {
  switch (kind) {
    case Lint::dangerous:
      return "dangerous";
    case Lint::needed:
      return "needed";
    case Lint::no_fallback:
      return "no-fallback";
    case Lint::pointer:
      return "pointer";
    case Lint::high_bits:
      return "high-bits";
  }
  return "?";
}

std::string danger_of(const std::string& call) {
  for (const Danger& danger : dangers())
    if (std::ranges::find(danger.calls, call) != danger.calls.end()) return danger.why;
  return "";
}

bool has_fallback(const std::string& call) {
  return std::ranges::find(kTriedFirst, call) != std::end(kTriedFirst);
}

std::vector<LintFinding> lint(const Profile& profile, Arch arch) {
  return Linter(profile, arch).run();
}

}  // namespace herd::seccomp
