#include "common/seccomp/call_tree.hpp"

#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <memory>
#include <type_traits>

#include "common/unique_fd.hpp"

namespace herd::seccomp {
namespace {

// libseccomp's actions are the kernel's return values, so results pass through as they are.
static_assert(SCMP_ACT_KILL_PROCESS == 0x80000000U && SCMP_ACT_ERRNO(1) == 0x00050001U);
static_assert(SCMP_ACT_LOG == 0x7ffc0000U && SCMP_ACT_ALLOW == 0x7fff0000U);

struct Release {
  void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, Release>;

/// libseccomp reports -errno.
Status ok(int code, const std::string& what) {
  if (code < 0) return fail_errno("libseccomp: " + what, -code);
  return {};
}

Result<Context> make_context(Arch arch, std::uint32_t otherwise) {
  Context context(seccomp_init(otherwise));
  if (!context) return fail("libseccomp: the action is not available on this kernel");
  HERD_CHECK(
      ok(seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "bad arch action"));
  HERD_CHECK(ok(seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimize"));
  if (arch != native_arch()) {
    HERD_CHECK(ok(seccomp_arch_add(context.get(), audit_arch(arch)), "add architecture"));
    HERD_CHECK(ok(seccomp_arch_remove(context.get(), audit_arch(native_arch())), "remove architecture"));
  }
  return context;
}

/// 2.5 exports to a descriptor only.
Result<std::vector<sock_filter>> read_program(scmp_filter_ctx context) {
  const UniqueFd file(::memfd_create("herd-seccomp-tree", MFD_CLOEXEC));
  if (!file) return fail_errno("memfd_create");
  HERD_CHECK(ok(seccomp_export_bpf(context, file.get()), "export"));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return fail_errno("fstat");
  std::vector<sock_filter> program(static_cast<std::size_t>(info.st_size) / sizeof(sock_filter));
  const std::size_t size = program.size() * sizeof(sock_filter);
  if (::pread(file.get(), program.data(), size, 0) != static_cast<ssize_t>(size))
    return fail("read of the export");
  return program;
}

}  // namespace

Result<std::vector<sock_filter>> compile_call_tree(Arch arch, std::uint32_t otherwise,
                                                   const std::vector<CallResult>& calls) {
  HERD_TRY(const Context context, make_context(arch, otherwise));
  for (const auto& [name, result] : calls) {
    if (result == otherwise) continue;  // libseccomp refuses a rule that says the default
    // By the native number, or a pseudo-number: libseccomp turns either into the filter's architecture's.
    const int number = seccomp_syscall_resolve_name(name.c_str());
    HERD_CHECK(ok(seccomp_rule_add(context.get(), result, number, 0), "rule for " + name));
  }
  return read_program(context.get());
}

}  // namespace herd::seccomp
