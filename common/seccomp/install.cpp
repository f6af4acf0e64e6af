#include "common/seccomp/install.hpp"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace herd::seccomp {
namespace {

Status check_size(std::span<const sock_filter> program) {
  if (program.size() <= BPF_MAXINSNS) return {};
  // sock_fprog's length has 16 bits: a longer one would be cut
  return fail("install seccomp filter: " + std::to_string(program.size()) + " instructions are too many");
}

long set_filter(std::span<const sock_filter> program, unsigned flags) {
  sock_fprog filter{static_cast<unsigned short>(program.size()), const_cast<sock_filter*>(program.data())};
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
}

}  // namespace

Status install(std::span<const sock_filter> program, const InstallOptions& options) {
  unsigned flags = 0;
  if (options.log_denials) flags |= SECCOMP_FILTER_FLAG_LOG;
  if (options.all_threads) flags |= SECCOMP_FILTER_FLAG_TSYNC;
  HERD_CHECK(check_size(program));
  const long result = set_filter(program, flags);
  if (result < 0) return fail_errno("install seccomp filter");
  // With TSYNC a positive value is the id of a thread that could not take the filter; nothing was installed.
  if (result > 0)
    return fail("install seccomp filter: thread " + std::to_string(result) + " has another filter");
  return {};
}

Result<UniqueFd> install_with_listener(std::span<const sock_filter> program) {
  HERD_CHECK(check_size(program));
  constexpr unsigned kListener = SECCOMP_FILTER_FLAG_NEW_LISTENER;
  long result = set_filter(program, kListener | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
  if (result < 0 && errno == EINVAL) result = set_filter(program, kListener);
  if (result >= 0) return UniqueFd(static_cast<int>(result));
  if (errno == EBUSY)
    return fail_errno(
        "install seccomp filter: who started herdd answers its calls in this way already, and a process can "
        "have one listener",
        EBUSY);
  return fail_errno("install seccomp filter with a listener");
}

}  // namespace herd::seccomp
