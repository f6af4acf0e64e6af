// Names for what an audit record of a denied call holds as numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace herd::seccomp {

struct CallName {
  std::string syscall;  // "ptrace"; "syscall 9999" where libseccomp has no name for the number
  std::string arch;     // "x86_64" "x32" "i386" "aarch64" "arm"; another one's AUDIT_ARCH in hex
};
/// `audit_arch` is an AUDIT_ARCH_*, whatever this machine's own is: each has a call table of its own.
CallName name_call(std::uint32_t audit_arch, std::int64_t number);

/// What a filter's return value does, as sysctl kernel.seccomp.actions_logged names it: "errno" "log"
/// "kill_process" ...; "unknown" for another one. Its data bits are ignored.
std::string_view action_name(std::uint32_t filter_return);

}  // namespace herd::seccomp
