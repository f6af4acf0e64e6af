// A profile as text that people review: one line for each syscall of the architecture.
#pragma once

#include <string>

#include "common/seccomp/profile.hpp"

namespace herd::seccomp {

/// "read ALLOW", "socket ALLOW if arg0 & 0xffffffff == 0x1; else ERRNO(EPERM)"; in the order of the numbers.
std::string dump(const Profile& profile, Policy policy, Arch arch);

}  // namespace herd::seccomp
