#include "common/seccomp/audit_names.hpp"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <cstdio>
#include <cstdlib>
#include <limits>

#include "common/seccomp/syscalls.hpp"

namespace herd::seccomp {
namespace {

std::string arch_name(std::uint32_t audit_arch) {
  switch (audit_arch) {
    case AUDIT_ARCH_X86_64:
      return "x86_64";
    case AUDIT_ARCH_I386:
      return "i386";
    case AUDIT_ARCH_AARCH64:
      return "aarch64";
    case AUDIT_ARCH_ARM:
      return "arm";
    default:
      break;
  }
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", audit_arch);
  return text;
}

std::string resolved(std::uint32_t token, std::int64_t number) {
  if (number < 0 || number > std::numeric_limits<int>::max()) return "";
  char* name = seccomp_syscall_resolve_num_arch(token, static_cast<int>(number));
  std::string text = name == nullptr ? "" : name;
  std::free(name);
  return text;
}

}  // namespace

CallName name_call(std::uint32_t audit_arch, std::int64_t number) {
  const bool is_x32 = audit_arch == AUDIT_ARCH_X86_64 && number >= kX32Bit;
  // libseccomp's tokens are the kernel's AUDIT_ARCH_* numbers, but for x32, which has none.
  std::string name = resolved(is_x32 ? SCMP_ARCH_X32 : audit_arch, number);
  if (name.empty()) name = "syscall " + std::to_string(number);
  return {std::move(name), is_x32 ? "x32" : arch_name(audit_arch)};
}

std::string_view action_name(std::uint32_t filter_return) {
  switch (filter_return & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_KILL_PROCESS:
      return "kill_process";
    case SECCOMP_RET_KILL_THREAD:
      return "kill_thread";
    case SECCOMP_RET_TRAP:
      return "trap";
    case SECCOMP_RET_ERRNO:
      return "errno";
    case SECCOMP_RET_USER_NOTIF:
      return "user_notif";
    case SECCOMP_RET_TRACE:
      return "trace";
    case SECCOMP_RET_LOG:
      return "log";
    case SECCOMP_RET_ALLOW:
      return "allow";
    default:
      return "unknown";
  }
}

}  // namespace herd::seccomp
