// From a profile to a BPF program. The result is not to be trusted before check.hpp has agreed: use
// build.hpp.
#pragma once

#include <linux/filter.h>

#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/seccomp/profile.hpp"

namespace herd::seccomp {

/// What the profile does with the calls that the architecture has.
struct Summary {
  std::size_t allowed = 0;
  std::size_t by_arguments = 0;  // decided by a call's arguments
  std::size_t no_such_syscall = 0;
  std::size_t denied = 0;
  /// Names in rules that the architecture has no call for: there is nothing to allow or deny.
  std::vector<std::string> names_without_number;
};

struct Program {
  std::vector<sock_filter> instructions;
  std::string profile;
  Policy policy = Policy::errno_;
  Denials denials = Denials::audit;
  Arch arch = Arch::x86_64;
  Summary summary;
};

/// Layout: the architecture and x32 are tested, then a binary search over runs of numbers finds the call's
/// answer or the tests of its arguments.
///
/// With Denials::notify it asks wherever it would have answered with an error, a record or the process's end.
/// SIGSYS (trap) can't be answered in its place, and foreign architectures and x32 end the process without
/// being asked for: who answers knows one table of calls.
Result<Program> compile(const Profile& profile, Policy policy, Arch arch, Denials denials = Denials::audit);

}  // namespace herd::seccomp
