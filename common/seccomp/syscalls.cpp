#include "common/seccomp/syscalls.hpp"

#include <seccomp.h>

#include <algorithm>
#include <cstdlib>

namespace herd::seccomp {
namespace {

std::vector<KnownSyscall> enumerate(Arch arch) {
  std::vector<KnownSyscall> all;
  for (int number = 0; number < kSyscallNumberLimit; ++number) {
    char* name = seccomp_syscall_resolve_num_arch(audit_arch(arch), number);
    if (name == nullptr) continue;
    all.push_back({number, name});
    std::free(name);
  }
  return all;
}

}  // namespace

const std::vector<KnownSyscall>& known_syscalls(Arch arch) {
  static const std::vector<KnownSyscall> x86_64 = enumerate(Arch::x86_64);
  static const std::vector<KnownSyscall> aarch64 = enumerate(Arch::aarch64);
  return arch == Arch::x86_64 ? x86_64 : aarch64;
}

std::optional<std::string> syscall_name(Arch arch, int number) {
  const auto& all = known_syscalls(arch);
  const auto it = std::ranges::lower_bound(all, number, {}, &KnownSyscall::number);
  if (it == all.end() || it->number != number) return std::nullopt;
  return it->name;
}

bool is_syscall_name(const std::string& name) {
  // A name of another architecture resolves to a negative pseudo-number, which is not this error.
  return seccomp_syscall_resolve_name(name.c_str()) != __NR_SCMP_ERROR;
}

}  // namespace herd::seccomp
