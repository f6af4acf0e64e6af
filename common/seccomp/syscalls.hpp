// Names and numbers of syscalls, as libseccomp knows them. A number that it has no name for is "unknown".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/seccomp/profile.hpp"

namespace herd::seccomp {

/// Above every number that Linux has given out; the numbers from here on are unknown.
inline constexpr int kSyscallNumberLimit = 1024;
/// Numbers with this bit are the x32 ABI's on x86_64.
inline constexpr std::uint32_t kX32Bit = 0x4000'0000U;

struct KnownSyscall {
  int number = 0;
  std::string name;
};

/// All of them, by number. Made once; lives as long as the program.
const std::vector<KnownSyscall>& known_syscalls(Arch arch);
std::optional<std::string> syscall_name(Arch arch, int number);
/// False for a name that no architecture has: a typing error, or newer than this libseccomp.
bool is_syscall_name(const std::string& name);

}  // namespace herd::seccomp
