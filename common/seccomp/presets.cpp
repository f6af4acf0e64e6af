#include "common/seccomp/presets.hpp"

#include <linux/netlink.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <initializer_list>
#include <set>
#include <string>

namespace herd::seccomp {
namespace {

constexpr std::uint64_t kNamespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

Rule allow(std::initializer_list<const char*> names) {
  return {{names.begin(), names.end()}, Action::allow, {}};
}
Rule allow(const char* name, std::vector<ArgCondition> conditions) {
  return {{name}, Action::allow, std::move(conditions)};
}
Rule deny(std::initializer_list<const char*> names) {
  return {{names.begin(), names.end()}, Action::deny, {}};
}
Rule deny(const char* name, std::vector<ArgCondition> conditions) {
  return {{name}, Action::deny, std::move(conditions)};
}
Rule no_such_syscall(std::initializer_list<const char*> names) {
  return {{names.begin(), names.end()}, Action::no_such_syscall, {}};
}

/// Calls that are allowed whatever their arguments. Derived from Docker's default profile, without those that
/// set the clock, make file handles, reach other processes or that nothing ordinary uses.
std::vector<Rule> plain_calls() {
  return {
      // Files by path.
      allow({"access",   "chdir",     "chmod",    "chown",      "creat",   "faccessat",  "faccessat2",
             "fchmodat", "fchmodat2", "fchownat", "getcwd",     "lchown",  "link",       "linkat",
             "lstat",    "mkdir",     "mkdirat",  "mknod",      "mknodat", "newfstatat", "open",
             "openat",   "openat2",   "readlink", "readlinkat", "rename",  "renameat",   "renameat2",
             "rmdir",    "stat",      "statfs",   "statx",      "symlink", "symlinkat",  "truncate",
             "umask",    "unlink",    "unlinkat", "futimesat",  "utime",   "utimensat",  "utimes"}),
      // Extended attributes; the *at forms are newer than libseccomp 2.5.
      allow({"fgetxattr", "flistxattr", "fremovexattr", "fsetxattr", "getxattr", "getxattrat", "lgetxattr",
             "listxattr", "listxattrat", "llistxattr", "lremovexattr", "lsetxattr", "removexattr",
             "removexattrat", "setxattr", "setxattrat"}),
      // Open descriptors.
      allow({"cachestat",
             "close",
             "close_range",
             "copy_file_range",
             "dup",
             "dup2",
             "dup3",
             "fadvise64",
             "fallocate",
             "fchdir",
             "fchmod",
             "fchown",
             "fcntl",
             "fdatasync",
             "flock",
             "fstat",
             "fstatfs",
             "fsync",
             "ftruncate",
             "getdents",
             "getdents64",
             "lseek",
             "pipe",
             "pipe2",
             "pread64",
             "preadv",
             "preadv2",
             "pwrite64",
             "pwritev",
             "pwritev2",
             "read",
             "readahead",
             "readv",
             "sendfile",
             "splice",
             "sync",
             "sync_file_range",
             "syncfs",
             "tee",
             "vmsplice",
             "write",
             "writev"}),
      // Waiting for events, and asynchronous I/O of the old kind (io_uring has no filter inside, see below).
      allow({"epoll_create",      "epoll_create1", "epoll_ctl",     "epoll_pwait",
             "epoll_pwait2",      "epoll_wait",    "eventfd",       "eventfd2",
             "inotify_add_watch", "inotify_init",  "inotify_init1", "inotify_rm_watch",
             "io_cancel",         "io_destroy",    "io_getevents",  "io_pgetevents",
             "io_setup",          "io_submit",     "poll",          "ppoll",
             "pselect6",          "select",        "signalfd",      "signalfd4"}),
      // Sockets, but for making them.
      allow({"accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen",
             "recvfrom", "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown"}),
      // Memory.
      allow({"brk",       "madvise",       "map_shadow_stack", "membarrier", "memfd_create", "mincore",
             "mlock",     "mlock2",        "mlockall",         "mmap",       "mprotect",     "mremap",
             "mseal",     "msync",         "munlock",          "munlockall", "munmap",       "pkey_alloc",
             "pkey_free", "pkey_mprotect", "remap_file_pages"}),
      // Processes and threads of its own.
      allow({"arch_prctl",
             "execve",
             "execveat",
             "exit",
             "exit_group",
             "fork",
             "futex",
             "futex_requeue",
             "futex_wait",
             "futex_waitv",
             "futex_wake",
             "get_robust_list",
             "get_thread_area",
             "getpgid",
             "getpgrp",
             "getpid",
             "getppid",
             "getsid",
             "gettid",
             "kill",
             "pidfd_open",
             "pidfd_send_signal",
             "prctl",
             "process_mrelease",
             "rseq",
             "set_robust_list",
             "set_thread_area",
             "set_tid_address",
             "setpgid",
             "setsid",
             "tgkill",
             "tkill",
             "vfork",
             "wait4",
             "waitid"}),
      allow({"pause", "restart_syscall", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo",
             "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "rt_tgsigqueueinfo", "sigaltstack"}),
      // Scheduling and limits.
      allow({"getcpu", "getpriority", "getrlimit", "getrusage", "ioprio_get", "ioprio_set",
             "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getattr",
             "sched_getparam", "sched_getscheduler", "sched_rr_get_interval", "sched_setaffinity",
             "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield", "setpriority"}),
      // Ids and privileges: without capabilities they can only give up.
      allow({"capget", "capset", "getegid", "geteuid", "getgid", "getgroups", "getresgid", "getresuid",
             "getuid", "setfsgid", "setfsuid", "setgid", "setgroups", "setregid", "setresgid", "setresuid",
             "setreuid", "setuid"}),
      // Further sandboxing by the worker itself.
      allow({"landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "seccomp"}),
      // Time: reading it and waiting, not setting it.
      allow({"alarm", "clock_getres", "clock_gettime", "clock_nanosleep", "getitimer", "gettimeofday",
             "nanosleep", "setitimer", "time", "timer_create", "timer_delete", "timer_getoverrun",
             "timer_gettime", "timer_settime", "timerfd_create", "timerfd_gettime", "timerfd_settime",
             "times"}),
      // System V and POSIX IPC, in the worker's own namespace.
      allow({"mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend", "mq_unlink",
             "msgctl", "msgget", "msgrcv", "msgsnd", "semctl", "semget", "semop", "semtimedop", "shmat",
             "shmctl", "shmdt", "shmget"}),
      allow({"getrandom", "sysinfo", "uname"}),
  };
}

/// Tests on `int` arguments look at the low half only, as the kernel does.
std::vector<Rule> argument_calls() {
  constexpr std::uint32_t kUserfaultfdNew =
      0xaa00;  // _IO(UFFDIO, 0): userfaultfd(2) by way of /dev/userfaultfd
  return {
      allow("clone", {{0, Compare::masked_equal, 0, kNamespaces}}), allow({"ioctl"}),
      // Typing into a terminal that someone else reads (CVE-2017-5226), pasting into a console, line
      // disciplines.
      deny("ioctl", {low32(1, TIOCSTI)}), deny("ioctl", {low32(1, TIOCLINUX)}),
      deny("ioctl", {low32(1, TIOCSETD)}), deny("ioctl", {low32(1, kUserfaultfdNew)}),
      // The limit that keeps a crash from starting the host's core handler as root: 0 would no longer.
      allow({"prlimit64", "setrlimit"}), deny("setrlimit", {low32(0, RLIMIT_CORE)}),
      deny("prlimit64", {low32(1, RLIMIT_CORE), {2, Compare::not_equal, 0}}),
      allow("socket", {low32(0, AF_UNIX)}), allow("socket", {low32(0, AF_INET)}),
      allow("socket", {low32(0, AF_INET6)}),
      allow("socket",
            {low32(0, AF_NETLINK), low32(2, NETLINK_ROUTE)}),  // getifaddrs and getaddrinfo ask by it
      allow("socketpair", {low32(0, AF_UNIX)}),
      // Not ADDR_NO_RANDOMIZE, not READ_IMPLIES_EXEC.
      allow("personality", {low32(0, PER_LINUX)}), allow("personality", {low32(0, UNAME26)}),
      allow("personality", {low32(0, 0xffff'ffff)}),  // asks which it is
  };
}

/// clone3's flags lie in memory, where a filter can't read them; an io_uring does calls that no filter sees.
/// Programs fall back from both, but only from ENOSYS.
Rule unfilterable() {
  return no_such_syscall({"clone3", "io_uring_enter", "io_uring_register", "io_uring_setup"});
}

Profile worker() {
  Profile profile{"worker", plain_calls(), Action::deny};
  for (auto& rule : argument_calls()) profile.rules.push_back(std::move(rule));
  profile.rules.push_back(unfilterable());
  return profile;
}

Profile network() {
  Profile profile = worker();
  profile.name = "network";
  for (const std::uint32_t family : {AF_NETLINK, AF_PACKET})
    profile.rules.push_back(allow("socket", {low32(0, family)}));
  return profile;
}

/// The worker's calls without those that make processes, sockets with an address, shared objects with a name,
/// or other ids. execve stays: with `enter: exec` the filter is there before the program.
Profile strict() {
  static const std::set<std::string> kLeftOut = {"bind",
                                                 "capset",
                                                 "clone",
                                                 "connect",
                                                 "execveat",
                                                 "fork",
                                                 "io_cancel",
                                                 "io_destroy",
                                                 "io_getevents",
                                                 "io_pgetevents",
                                                 "io_setup",
                                                 "io_submit",
                                                 "ioprio_set",
                                                 "kill",
                                                 "landlock_add_rule",
                                                 "landlock_create_ruleset",
                                                 "landlock_restrict_self",
                                                 "listen",
                                                 "mknod",
                                                 "mknodat",
                                                 "mq_getsetattr",
                                                 "mq_notify",
                                                 "mq_open",
                                                 "mq_timedreceive",
                                                 "mq_timedsend",
                                                 "mq_unlink",
                                                 "msgctl",
                                                 "msgget",
                                                 "msgrcv",
                                                 "msgsnd",
                                                 "personality",
                                                 "pidfd_open",
                                                 "pidfd_send_signal",
                                                 "process_mrelease",
                                                 "rt_sigqueueinfo",
                                                 "rt_tgsigqueueinfo",
                                                 "sched_setattr",
                                                 "sched_setparam",
                                                 "sched_setscheduler",
                                                 "seccomp",
                                                 "semctl",
                                                 "semget",
                                                 "semop",
                                                 "semtimedop",
                                                 "setfsgid",
                                                 "setfsuid",
                                                 "setgid",
                                                 "setgroups",
                                                 "setpgid",
                                                 "setpriority",
                                                 "setregid",
                                                 "setresgid",
                                                 "setresuid",
                                                 "setreuid",
                                                 "setsid",
                                                 "setuid",
                                                 "shmat",
                                                 "shmctl",
                                                 "shmdt",
                                                 "shmget",
                                                 "socket",
                                                 "tkill",
                                                 "vfork",
                                                 "vmsplice"};
  Profile profile{"strict", {}, Action::deny};
  for (Rule& rule : worker().rules) {
    std::erase_if(rule.names, [](const std::string& name) { return kLeftOut.contains(name); });
    if (!rule.names.empty()) profile.rules.push_back(std::move(rule));
  }
  constexpr std::uint64_t kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
  profile.rules.push_back(allow(
      "clone", {{0, Compare::masked_equal, kThread, kThread}, {0, Compare::masked_equal, 0, kNamespaces}}));
  profile.rules.push_back(allow("socket", {low32(0, AF_UNIX)}));  // to say that it is ready
  return profile;
}

/// For programs of which nobody knows what they call.
Profile deny_dangerous() {
  Profile profile{"deny-dangerous", {}, Action::allow};
  profile.rules = {
      // Other processes, and what the kernel keeps of them.
      deny({"pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev", "ptrace"}),
      deny({"add_key", "keyctl", "request_key"}),
      // Whose bugs were most of the ways from a process into the kernel.
      deny({"bpf", "perf_event_open", "userfaultfd"}),
      // Mounts and namespaces.
      deny({"fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount",
            "open_by_handle_at", "open_tree", "open_tree_attr", "pivot_root", "setns", "umount2", "unshare"}),
      deny("clone", {{0, Compare::any_bits, 0, kNamespaces}}),
      // The host.
      deny({"acct", "create_module", "delete_module", "finit_module", "init_module", "ioperm", "iopl",
            "kexec_file_load", "kexec_load", "personality", "reboot", "setdomainname", "sethostname",
            "swapoff", "swapon", "syslog"}),
      deny("ioctl", {low32(1, TIOCSTI)}), deny("ioctl", {low32(1, TIOCLINUX)}), unfilterable()};
  return profile;
}

struct Preset {
  std::string_view name;
  Profile (*make)();
};
constexpr Preset kPresets[] = {
    {"worker", worker}, {"strict", strict}, {"network", network}, {"deny-dangerous", deny_dangerous}};

}  // namespace

std::vector<std::string_view> preset_names() {
  std::vector<std::string_view> names;
  for (const Preset& preset : kPresets) names.push_back(preset.name);
  return names;
}

Result<Profile> preset(std::string_view name) {
  std::string names;
  for (const Preset& known : kPresets) {
    if (known.name == name) return known.make();
    names += (names.empty() ? "" : ", ") + std::string(known.name);
  }
  return fail("no seccomp profile is called '" + std::string(name) + "' (there are: " + names + ")");
}

}  // namespace herd::seccomp
