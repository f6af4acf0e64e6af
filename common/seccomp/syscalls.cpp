#include "common/seccomp/syscalls.hpp"

#include <seccomp.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

namespace herd::seccomp {
namespace {

/// Newer than the libseccomp of Debian 12 (2.5.4) or 13 (2.6.0), from the kernel's
/// arch/x86/entry/syscalls/syscall_64.tbl and scripts/syscall.tbl: 6.18 gives all of these numbers out. Since
/// 424 a number is the same on all architectures.
const std::vector<KnownSyscall>& newer_syscalls() {
  static const std::vector<KnownSyscall> kNewer = {
      {448, "process_mrelease"},  {449, "futex_waitv"},      {450, "set_mempolicy_home_node"},
      {451, "cachestat"},         {452, "fchmodat2"},        {453, "map_shadow_stack"},
      {454, "futex_wake"},        {455, "futex_wait"},       {456, "futex_requeue"},
      {457, "statmount"},         {458, "listmount"},        {459, "lsm_get_self_attr"},
      {460, "lsm_set_self_attr"}, {461, "lsm_list_modules"}, {462, "mseal"},
      {463, "setxattrat"},        {464, "getxattrat"},       {465, "listxattrat"},
      {466, "removexattrat"},     {467, "open_tree_attr"},   {468, "file_getattr"},
      {469, "file_setattr"}};
  return kNewer;
}
const std::vector<KnownSyscall>& newer_on_x86_64() {
  static const std::vector<KnownSyscall> kNewer = {{335, "uretprobe"}, {336, "uprobe"}};
  return kNewer;
}
constexpr const char* kNewerElsewhere[] = {"riscv_hwprobe"};

void add_missing(std::vector<KnownSyscall>& all, const std::vector<KnownSyscall>& newer) {
  for (const KnownSyscall& call : newer) {
    const auto at = std::ranges::lower_bound(all, call.number, {}, &KnownSyscall::number);
    if (at == all.end() || at->number != call.number) all.insert(at, call);
  }
}

std::vector<KnownSyscall> enumerate(Arch arch) {
  std::vector<KnownSyscall> all;
  for (int number = 0; number < kSyscallNumberLimit; ++number) {
    char* name = seccomp_syscall_resolve_num_arch(audit_arch(arch), number);
    if (name == nullptr) continue;
    all.push_back({number, name});
    std::free(name);
  }
  add_missing(all, newer_syscalls());
  if (arch == Arch::x86_64) add_missing(all, newer_on_x86_64());
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
  if (seccomp_syscall_resolve_name(name.c_str()) != __NR_SCMP_ERROR) return true;
  const auto is_in = [&](const auto& calls) {
    return std::ranges::find(calls, name, &KnownSyscall::name) != calls.end();
  };
  return is_in(newer_syscalls()) || is_in(newer_on_x86_64()) ||
         std::ranges::find(kNewerElsewhere, name) != std::end(kNewerElsewhere);
}

}  // namespace herd::seccomp
