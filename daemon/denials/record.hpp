// What the kernel's audit log says of one denied call: a record of type AUDIT_SECCOMP (1326), as text.
//
// Whoever made the call chose its program's names. The kernel puts them in quotes only where they hold no
// blank, quote, control character or byte beyond ASCII, and writes them in hexadecimal digits otherwise
// (kernel/audit.c: audit_log_untrustedstring), so no name can pass for a field of its own.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace herd::denials {

using WallTime = std::chrono::system_clock::time_point;
using Arguments = std::array<std::uint64_t, 6>;

struct Record {
  WallTime time;                       // the kernel's coarse clock: some milliseconds behind
  std::uint32_t uid = 0;               // in the first user namespace
  pid_t pid = 0;                       // of the process, in the first pid namespace
  std::string comm, exe;               // any bytes; comm is the thread's; empty where the kernel had none
  int signal = 0;                      // SIGSYS where the process was ended or trapped
  std::uint32_t arch = 0;              // AUDIT_ARCH_*
  std::int64_t number = 0;             // of the syscall, in that architecture's table
  std::uint32_t code = 0;              // SECCOMP_RET_*, without its data
  std::optional<Arguments> arguments;  // never in the audit log
};

/// Of the kernel's own: exe is a path of at most PATH_MAX bytes, two digits each.
inline constexpr std::size_t kMaxRecord = 16 * 1024;

/// Nothing for a text that is no whole record: each field that is needed has to be there once, and to be what
/// it should.
std::optional<Record> parse_record(std::string_view text);

}  // namespace herd::denials
