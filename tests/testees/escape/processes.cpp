// Other processes: those that can be seen, and those whose numbers can be guessed.
#include <dirent.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <set>

#include "tests/testees/escape/attacks.hpp"
#include "tests/testees/support.hpp"

namespace escape {

namespace {

using testee::errno_name;

bool is_own(pid_t pid) {
  return pid == ::getpid() || pid == ::getppid();
}

std::set<pid_t> others(const Target& target) {
  std::set<pid_t> pids{1, target.victim};
  DIR* proc = ::opendir("/proc");
  while (const dirent* entry = proc == nullptr ? nullptr : ::readdir(proc))
    if (const pid_t pid = std::atoi(entry->d_name); pid > 0) pids.insert(pid);
  std::erase_if(pids, is_own);
  return pids;
}

/// `reaches` is true where the kernel let this process at the other one.
Attack at_others(const char* name, bool (*reaches)(pid_t pid)) {
  return {name, [reaches](const Target& target) {
            int first_errno = 0;
            for (const pid_t pid : others(target)) {
              errno = 0;
              if (reaches(pid)) return "ok: " + std::to_string(pid);
              if (first_errno == 0) first_errno = errno;
            }
            return errno_name(first_errno);
          }};
}

bool opens(pid_t pid, const char* file, int flags) {
  return ::open(("/proc/" + std::to_string(pid) + "/" + file).c_str(), flags) >= 0;
}

/// Nothing is read or written: no process has memory at the address 1, which the kernel says only after it
/// has allowed the rest.
bool moves_memory(long call, pid_t pid) {
  char byte = 0;
  iovec here{&byte, 1}, there{reinterpret_cast<void*>(1), 1};
  return ::syscall(call, pid, &here, 1, &there, 1, 0) >= 0 || errno == EFAULT;
}

bool takes_fd(pid_t pid) {
  const long pidfd = ::syscall(SYS_pidfd_open, pid, 0);
  return pidfd >= 0 && (::syscall(SYS_pidfd_getfd, pidfd, 0, 0) >= 0 || errno == EBADF);
}

bool signals_by_pidfd(pid_t pid) {
  const long pidfd = ::syscall(SYS_pidfd_open, pid, 0);
  return pidfd >= 0 && ::syscall(SYS_pidfd_send_signal, pidfd, 0, nullptr, 0) == 0;
}

bool limits(pid_t pid) {
  rlimit limit{};
  return ::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit) == 0;
}

/// Every number, seen or not: guessing is all that hidepid leaves.
std::string signals_any(const Target& target) {
  constexpr pid_t kLast = 65'536;
  if (::kill(target.victim, 0) == 0) return "ok: the victim";
  for (pid_t pid = 1; pid <= kLast; ++pid)
    if (!is_own(pid) && ::kill(pid, 0) == 0) return "ok: " + std::to_string(pid);
  return errno_name(errno);
}

}  // namespace

std::vector<Attack> process_attacks() {
  return {
      {"signal_any", signals_any},
      // SEIZE, unlike ATTACH, does not stop it, and ends with this process.
      at_others("ptrace", [](pid_t pid) { return ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0; }),
      at_others("read_memory", [](pid_t pid) { return moves_memory(SYS_process_vm_readv, pid); }),
      at_others("write_memory", [](pid_t pid) { return moves_memory(SYS_process_vm_writev, pid); }),
      at_others("open_mem", [](pid_t pid) { return opens(pid, "mem", O_RDWR); }),
      at_others("open_environ", [](pid_t pid) { return opens(pid, "environ", O_RDONLY); }),
      at_others("open_fds", [](pid_t pid) { return opens(pid, "fd", O_RDONLY | O_DIRECTORY); }),
      at_others("open_fd_0", [](pid_t pid) { return opens(pid, "fd/0", O_RDONLY | O_NONBLOCK); }),
      at_others("open_root", [](pid_t pid) { return opens(pid, "root", O_PATH); }),
      at_others("open_exe", [](pid_t pid) { return opens(pid, "exe", O_RDONLY); }),
      at_others("take_fd", takes_fd),
      at_others("signal_pidfd", signals_by_pidfd),
      at_others("prlimit", limits),
      at_others("kcmp", [](pid_t pid) { return ::syscall(SYS_kcmp, ::getpid(), pid, KCMP_VM, 0, 0) >= 0; }),
      at_others("renice", [](pid_t pid) { return ::setpriority(PRIO_PROCESS, pid, 19) == 0; })};
}

}  // namespace escape
