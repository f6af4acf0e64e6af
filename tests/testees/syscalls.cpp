#include "tests/testees/syscalls.hpp"

#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string_view>

#include "tests/testees/attempt.hpp"
#include "tests/testees/behaviours.hpp"

namespace testee {

namespace {

constexpr unsigned long kHighBits = 1UL << 32;

long clone3_with(std::uint64_t flags) {
  clone_args arguments{};
  arguments.flags = flags;
  arguments.exit_signal = SIGCHLD;
  const long child = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (child == 0) ::_exit(0);
  if (child > 0) ::waitpid(static_cast<pid_t>(child), nullptr, 0);
  return child;
}

long clone_with(unsigned long flags) {
  const long child = ::syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) ::_exit(0);
  if (child > 0) ::waitpid(static_cast<pid_t>(child), nullptr, 0);
  return child;
}

long io_uring() {
  io_uring_params parameters{};
  return ::syscall(SYS_io_uring_setup, 1, &parameters);
}

long bpf() {
  bpf_attr attributes{};
  return ::syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes);
}

// On no terminal these fail with ENOTTY, unless a filter has its say first.
long terminal_call(unsigned long request) {
  const char byte = 'x';
  int ends[2];
  if (::pipe(ends) != 0) return -1;
  return ::syscall(SYS_ioctl, ends[0], request, &byte);
}

#ifdef __x86_64__
long x32_getpid() {
  return ::syscall(0x40000000L | SYS_getpid);
}

/// getpid of the 32-bit table, which a filter written for x86_64 alone would read as writev.
long i386_getpid() {
  long result = 20;
  __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}
#else
long not_here() {
  errno = ENOSYS;
  return -1;
}
constexpr auto x32_getpid = not_here;
constexpr auto i386_getpid = not_here;
#endif

constexpr struct {
  std::string_view name;
  long (*call)();
} kCalls[] = {
    {"getpid", [] { return ::syscall(SYS_getpid); }},
    {"unknown", [] { return ::syscall(9999); }},
    {"x32", x32_getpid},
    {"i386", i386_getpid},
    {"io_uring", io_uring},
    {"bpf", bpf},
    {"clone3", [] { return clone3_with(0); }},
    {"clone3-user", [] { return clone3_with(CLONE_NEWUSER); }},
    {"clone", [] { return clone_with(0); }},
    {"clone-user", [] { return clone_with(CLONE_NEWUSER); }},
    {"unshare-user", [] { return ::syscall(SYS_unshare, CLONE_NEWUSER); }},
    {"unshare-mount", [] { return ::syscall(SYS_unshare, CLONE_NEWNS); }},
    {"setns", [] { return ::syscall(SYS_setns, -1, CLONE_NEWUSER); }},
    {"mount", [] { return ::syscall(SYS_mount, "none", "/proc", "herd-no-such-type", 0, nullptr); }},
    {"umount2", [] { return ::syscall(SYS_umount2, "/herd-no-such-directory", 0); }},
    {"pivot_root", [] { return ::syscall(SYS_pivot_root, "/herd-no-such-directory", "/"); }},
    {"open_tree", [] { return ::syscall(SYS_open_tree, -1, "herd", 0); }},
    {"ptrace", [] { return ::syscall(SYS_ptrace, PTRACE_SEIZE, 1, 0, 0); }},
    {"process_vm_readv", [] { return ::syscall(SYS_process_vm_readv, 1, nullptr, 0, nullptr, 0, 0); }},
    {"pidfd_getfd", [] { return ::syscall(SYS_pidfd_getfd, -1, 0, 0); }},
    {"keyctl", [] { return ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0); }},
    {"perf_event_open", [] { return ::syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0); }},
    {"userfaultfd", [] { return ::syscall(SYS_userfaultfd, 0); }},
    {"kexec_load", [] { return ::syscall(SYS_kexec_load, 0, ~0UL, nullptr, 0); }},
    {"tiocsti", [] { return terminal_call(TIOCSTI); }},
    {"tiocsti-high", [] { return terminal_call(TIOCSTI | kHighBits); }},
    {"tioclinux", [] { return terminal_call(TIOCLINUX); }},
};

}  // namespace

std::map<std::string, std::string> run_calls() {
  std::map<std::string, std::string> results;
  for (const auto& [name, call] : kCalls)
    results[std::string(name)] = in_a_child([made = call] { return outcome(made()); });
  return results;
}

void make_calls(const Arguments& arguments) {
  for (const std::string& wanted : arguments)
    for (const auto& [name, call] : kCalls)
      if (name == wanted) call();
}

/// By the main process, so that what the filter does to it is what happens to the worker.
void one_syscall(const Arguments& arguments) {
  const std::string wanted = arguments.empty() ? "" : arguments[0];
  if (wanted == "list") {
    for (const auto& [name, call] : kCalls) say(std::string(name));
    return;
  }
  for (const auto& [name, call] : kCalls) {
    if (name != wanted) continue;
    start_up();
    say(nlohmann::json{{"call", wanted}, {"result", outcome(call())}}.dump());
    pause_forever();
  }
  die("no call is named '" + wanted + "'; 'list' names them");
}

void denied_once(const Arguments&) {
  say(outcome(::syscall(SYS_mount, "none", "/proc", "herd-no-such-type", 0, nullptr)));
}

}  // namespace testee
