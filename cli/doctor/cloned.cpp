#include "cli/doctor/cloned.hpp"

#include <signal.h>
#include <sys/wait.h>

#include "common/kernel/clone.hpp"

namespace herd::doctor {

void block_all_signals() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
}

Result<int> run_cloned(std::uint64_t flags, int (*entry)(void*)) {
  block_all_signals();
  HERD_TRY(const kernel::Cloned child, kernel::clone_vfork({.flags = flags}, entry, nullptr));
  siginfo_t info{};
  if (waitid(P_PIDFD, static_cast<id_t>(child.pidfd.get()), &info, WEXITED) != 0) return fail_errno("waitid");
  if (info.si_code != CLD_EXITED) return fail("the child was ended by a signal");
  return info.si_status;
}

}  // namespace herd::doctor
