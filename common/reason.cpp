#include "common/reason.hpp"

#include <cstring>

namespace herd {

std::string_view name(ReasonKind kind) {
  switch (kind) {
    case ReasonKind::exited:
      return "exited";
    case ReasonKind::signaled:
      return "signaled";
    case ReasonKind::oom_killed:
      return "oom_killed";
    case ReasonKind::denied_syscall:
      return "denied_syscall";
    case ReasonKind::setup_failed:
      return "setup_failed";
    case ReasonKind::not_verified:
      return "not_verified";
    case ReasonKind::ready_timeout:
      return "ready_timeout";
    case ReasonKind::unhealthy:
      return "unhealthy";
    case ReasonKind::session_ended:
      return "session_ended";
    case ReasonKind::idle_evicted:
      return "idle_evicted";
    case ReasonKind::recycled:
      return "recycled";
    case ReasonKind::scaled_down:
      return "scaled_down";
    case ReasonKind::stopped:
      return "stopped";
  }
  return "stopped";
}

std::string describe(const Reason& reason) {
  std::string text;
  switch (reason.kind) {
    case ReasonKind::exited:
      text = "exited with code " + std::to_string(reason.code);
      break;
    case ReasonKind::signaled: {
      const char* abbreviation = sigabbrev_np(reason.signal);
      text = "ended by signal " + std::to_string(reason.signal);
      if (abbreviation != nullptr) text += " (SIG" + std::string(abbreviation) + ")";
      break;
    }
    case ReasonKind::oom_killed:
      text = "ended by the kernel: out of memory (limits.memory)";
      break;
    case ReasonKind::denied_syscall:
      text = "ended by seccomp policy kill" + (reason.what.empty() ? "" : ": " + reason.what);
      break;
    case ReasonKind::setup_failed:
      text = "set-up failed at stage " + reason.what;
      break;
    case ReasonKind::not_verified:
      text = "isolation not verified: " + reason.what;
      break;
    case ReasonKind::ready_timeout:
      text = "did not become ready in time (ready.timeout)";
      break;
    case ReasonKind::unhealthy:
      text = "failed its health checks";
      break;
    case ReasonKind::session_ended:
      text = "its session ended";
      break;
    case ReasonKind::idle_evicted:
      text = "its session was idle too long (sessions.idle_timeout)";
      break;
    case ReasonKind::recycled:
      text = "recycled";
      break;
    case ReasonKind::scaled_down:
      text = "scaled down";
      break;
    case ReasonKind::stopped:
      text = "stopped";
      break;
  }
  if (!reason.detail.empty()) text += ": " + reason.detail;
  return text;
}

bool is_planned(ReasonKind kind) {
  switch (kind) {
    case ReasonKind::session_ended:
    case ReasonKind::idle_evicted:
    case ReasonKind::recycled:
    case ReasonKind::scaled_down:
    case ReasonKind::stopped:
      return true;
    default:
      return false;
  }
}

}  // namespace herd
