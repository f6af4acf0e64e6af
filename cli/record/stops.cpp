#include "cli/record/stops.hpp"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace herd::record {
namespace {

constexpr unsigned kEventShift = 16;

bool is_group_stop(int signal) {
  return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

}  // namespace

Status trace(pid_t child) {
  constexpr long kOptions = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                            PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  if (::ptrace(PTRACE_SEIZE, child, nullptr, kOptions) == 0) return {};
  const int error = errno;
  return fail_errno(error == EPERM ? "trace the command (is this process itself recorded, or traced?)"
                                   : "trace the command",
                    error);
}

std::optional<seccomp_data> call_in(pid_t pid, int wait_status) {
  if (wait_status >> kEventShift != PTRACE_EVENT_SECCOMP) return std::nullopt;
  __ptrace_syscall_info info{};
  if (::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0) return std::nullopt;  // it was killed
  seccomp_data data{static_cast<int>(info.seccomp.nr), info.arch, info.instruction_pointer, {}};
  std::ranges::copy(info.seccomp.args, data.args);
  return data;
}

/// Number -1 is skipped, and what stands in the register of results is the result (seccomp(2),
/// SECCOMP_RET_TRACE).
void refuse_call(pid_t pid) {
  user_regs_struct registers{};
  iovec all{&registers, sizeof registers};
  if (::ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &all) != 0) return;
#if defined(__x86_64__)
  registers.orig_rax = ~0ULL;
  registers.rax = static_cast<unsigned long long>(-ENOSYS);
#elif defined(__aarch64__)
  int number = -1;
  iovec call{&number, sizeof number};
  ::ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &call);
  registers.regs[0] = static_cast<unsigned long long>(-ENOSYS);
#endif
  ::ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &all);
}

void let_go_on(pid_t pid, int wait_status) {
  const int event = wait_status >> kEventShift;
  const int signal = WSTOPSIG(wait_status);
  if (event == PTRACE_EVENT_STOP && is_group_stop(signal)) {
    ::ptrace(PTRACE_LISTEN, pid, nullptr, nullptr);  // until SIGCONT, as without a tracer
  } else {
    ::ptrace(PTRACE_CONT, pid, nullptr, event == 0 ? signal : 0);
  }
}

}  // namespace herd::record
