#include "common/seccomp/install.hpp"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace herd::seccomp {

Status install(std::span<const sock_filter> program, const InstallOptions& options) {
  unsigned flags = 0;
  if (options.log_denials) flags |= SECCOMP_FILTER_FLAG_LOG;
  if (options.all_threads) flags |= SECCOMP_FILTER_FLAG_TSYNC;
  if (program.size() > BPF_MAXINSNS)  // sock_fprog's length has 16 bits: a longer one would be cut
    return fail("install seccomp filter: " + std::to_string(program.size()) + " instructions are too many");
  sock_fprog filter{static_cast<unsigned short>(program.size()), const_cast<sock_filter*>(program.data())};
  const long result = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
  if (result < 0) return fail_errno("install seccomp filter");
  // With TSYNC a positive value is the id of a thread that could not take the filter; nothing was installed.
  if (result > 0)
    return fail("install seccomp filter: thread " + std::to_string(result) + " has another filter");
  return {};
}

}  // namespace herd::seccomp
