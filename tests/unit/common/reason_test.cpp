#include "common/reason.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <set>
#include <vector>

namespace herd {
namespace {

struct Case {
  Reason reason;
  const char* name;
  const char* text;
  bool is_planned;
};

const std::vector<Case>& cases() {
  using enum ReasonKind;
  static const std::vector<Case> kCases{
      {{.kind = exited, .code = 3}, "exited", "exited with code 3", false},
      {{.kind = signaled, .signal = SIGSEGV}, "signaled", "ended by signal 11 (SIGSEGV)", false},
      {{.kind = oom_killed}, "oom_killed", "ended by the kernel: out of memory (limits.memory)", false},
      {{.kind = denied_syscall, .what = "ptrace"},
       "denied_syscall",
       "ended by seccomp policy kill: ptrace",
       false},
      {{.kind = setup_failed, .errno_value = 1, .what = "mounts", .detail = "open '/x'"},
       "setup_failed",
       "set-up failed at stage mounts: open '/x'",
       false},
      {{.kind = not_verified, .what = "seccomp"}, "not_verified", "isolation not verified: seccomp", false},
      {{.kind = ready_timeout}, "ready_timeout", "did not become ready in time (ready.timeout)", false},
      {{.kind = unhealthy}, "unhealthy", "failed its health checks", false},
      {{.kind = session_ended}, "session_ended", "its session ended", true},
      {{.kind = idle_evicted}, "idle_evicted", "its session was idle too long (sessions.idle_timeout)", true},
      {{.kind = recycled}, "recycled", "recycled", true},
      {{.kind = scaled_down}, "scaled_down", "scaled down", true},
      {{.kind = stopped}, "stopped", "stopped", true}};
  return kCases;
}

TEST(Reasons, EveryKindHasItsNameAndSentence) {
  std::set<ReasonKind> seen;
  for (const Case& one : cases()) {
    EXPECT_EQ(name(one.reason.kind), one.name);
    EXPECT_EQ(describe(one.reason), one.text);
    seen.insert(one.reason.kind);
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(ReasonKind::stopped) + 1) << "a kind has no row here";
}

TEST(Reasons, OnlyWhatHerdAskedForIsPlanned) {
  for (const Case& one : cases()) EXPECT_EQ(is_planned(one.reason.kind), one.is_planned) << one.name;
}

TEST(Reasons, TheDetailFollowsTheSentence) {
  EXPECT_EQ(describe({.kind = ReasonKind::exited, .detail = "see its log"}),
            "exited with code 0: see its log");
}

TEST(Reasons, ASignalOrCallWithoutANameIsSaidWithoutIt) {
  EXPECT_EQ(describe({.kind = ReasonKind::signaled, .signal = SIGRTMIN + 1}),
            "ended by signal " + std::to_string(SIGRTMIN + 1));
  EXPECT_EQ(describe({.kind = ReasonKind::denied_syscall}), "ended by seccomp policy kill");
}

TEST(Reasons, AreTheSameOnlyInAllTheirParts) {
  const Reason reason{.kind = ReasonKind::exited, .code = 1};
  Reason other = reason;
  EXPECT_EQ(reason, other);
  other.code = 2;
  EXPECT_NE(reason, other);
}

}  // namespace
}  // namespace herd
