// Why a worker is gone: never a guess. One of these stands in its last event, its record and its session's
// end.
#pragma once

#include <string>
#include <string_view>

namespace herd {

enum class ReasonKind {
  exited,          // code
  signaled,        // signal
  oom_killed,      // the kernel's OOM killer ended it (cgroup counter, not a guess from 137)
  denied_syscall,  // policy `kill` ended it; what = the syscall's name where it is known
  setup_failed,    // what = the stage, errno_value, detail
  not_verified,    // what = the part of the isolation that was not found
  ready_timeout,
  unhealthy,
  session_ended,
  idle_evicted,
  recycled,
  scaled_down,
  stopped,
};

struct Reason {
  ReasonKind kind = ReasonKind::stopped;
  int code = 0;         // exited
  int signal = 0;       // signaled
  int errno_value = 0;  // setup_failed
  std::string what;     // setup_failed: stage; not_verified: part; denied_syscall: name; session_ended: how
  std::string detail;   // a sentence for people, may be empty

  bool operator==(const Reason&) const = default;
};

std::string_view name(ReasonKind kind);
/// "exited with code 1", "setup failed at stage mounts: ...".
std::string describe(const Reason& reason);
/// True for the ends that herd itself asked for (session_ended, idle_evicted, recycled, scaled_down,
/// stopped).
bool is_planned(ReasonKind kind);

}  // namespace herd
