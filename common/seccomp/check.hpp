// Whether a compiled program does what its profile means, call by call. No filter is used without it:
// compilers of filters, libseccomp's and ours, have bugs that no reading finds.
#pragma once

#include "common/error.hpp"
#include "common/seccomp/compiler.hpp"
#include "common/seccomp/profile.hpp"

namespace herd::seccomp {

/// Runs the program for every syscall number, for foreign architectures and for the edges of each argument
/// rule. The error names the first call on which program and profile disagree.
Status check(const Program& program, const Profile& profile, Policy policy, Denials denials = Denials::audit);

}  // namespace herd::seccomp
