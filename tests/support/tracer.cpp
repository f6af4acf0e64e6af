#include "tests/support/tracer.hpp"

#include <sys/ptrace.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "tests/support/host.hpp"

namespace herd::test {
namespace {

constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXEC;

int event_of(int status) {
  return status >> 16;
}

bool is_system_call(int status) {
  return WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80);
}

/// The signal that a stop is about, which the process has to get all the same.
long signal_of(int status) {
  return is_system_call(status) || event_of(status) != 0 ? 0 : WSTOPSIG(status);
}

}  // namespace

Tracer::Tracer(pid_t thread) {
  // Blocked, so that one that comes between a look and the wait for the next ends that wait.
  ::sigemptyset(&child_signal_);
  ::sigaddset(&child_signal_, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &child_signal_, &mask_before_);
  if (::ptrace(PTRACE_SEIZE, thread, nullptr, kOptions) != 0) throw std::runtime_error("ptrace: seize");
  tracees_[thread] = {};
}

Tracer::~Tracer() {
  release();
  ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

std::optional<SystemCall> Tracer::run_to(const Wanted& is_wanted) {
  while (const auto change = wait_for_change()) {
    const auto [process, status] = *change;
    if (!WIFSTOPPED(status)) {
      tracees_.erase(process);
      continue;
    }
    follow_child_of(process, status);
    const auto call = call_at(process, status);
    if (call && is_wanted(*call)) {
      tracees_.at(process).is_standing = true;
      return call;
    }
    resume(process, status);
  }
  return std::nullopt;
}

void Tracer::release() {
  for (auto tracee = tracees_.begin(); tracee != tracees_.end();) {
    if (tracee->second.is_standing) {
      ::ptrace(PTRACE_DETACH, tracee->first, nullptr, nullptr);
      tracee = tracees_.erase(tracee);
    } else {
      ::ptrace(PTRACE_INTERRUPT, tracee->first, nullptr, nullptr);
      ++tracee;
    }
  }
  while (!tracees_.empty()) {
    const auto change = wait_for_change();
    if (!change) throw std::runtime_error("a traced process does not stop");
    const auto [process, status] = *change;
    if (WIFSTOPPED(status)) {
      follow_child_of(process, status);
      ::ptrace(PTRACE_DETACH, process, nullptr, signal_of(status));
    }
    tracees_.erase(process);
  }
}

std::optional<std::pair<pid_t, int>> Tracer::wait_for_change() {
  const timespec patience{kPatience.count(), 0};
  while (!tracees_.empty()) {
    // One by one: a wait for any child would take the ends of others, too.
    for (const auto& [process, tracee] : tracees_)
      if (int status = 0; ::waitpid(process, &status, __WALL | WNOHANG) == process)
        return std::pair(process, status);
    if (::sigtimedwait(&child_signal_, nullptr, &patience) < 0 && errno == EAGAIN) break;
  }
  return std::nullopt;
}

void Tracer::follow_child_of(pid_t process, int status) {
  unsigned long child = 0;
  if (event_of(status) != PTRACE_EVENT_FORK || ::ptrace(PTRACE_GETEVENTMSG, process, nullptr, &child) != 0)
    return;
  tracees_[static_cast<pid_t>(child)] = {tracees_.at(process).generation + 1};
}

void Tracer::resume(pid_t process, int status) {
  const bool is_the_thread = tracees_.at(process).generation == 0;
  ::ptrace(is_the_thread ? PTRACE_CONT : PTRACE_SYSCALL, process, nullptr, signal_of(status));
}

std::optional<SystemCall> Tracer::call_at(pid_t process, int status) const {
  __ptrace_syscall_info info{};
  if (!is_system_call(status) || ::ptrace(PTRACE_GET_SYSCALL_INFO, process, sizeof info, &info) <= 0 ||
      info.op != PTRACE_SYSCALL_INFO_ENTRY)
    return std::nullopt;
  SystemCall call{process, tracees_.at(process).generation, static_cast<long>(info.entry.nr), {}};
  std::copy_n(info.entry.args, call.arguments.size(), call.arguments.begin());
  return call;
}

}  // namespace herd::test
