#include "daemon/exec/setup.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/kernel/files.hpp"

namespace herd::exec {
namespace {

constexpr std::size_t kMaxHostname = 64;  // uts_namespaces(7)

/// The limits are in place when the message comes; until then nothing of the worker's may run.
Status join_cgroups(const launch::Plan& plan, int line) {
  HERD_TRY(const kernel::Message message, kernel::receive_message(line, true));
  if (message.text != launch::kCgroups) return fail("the owner's line has ended before the limits were set");
  for (const UniqueFd& tasks : message.fds)
    if (write(tasks.get(), "0", 1) != 1) return fail_errno("join a v1 cgroup");
  // The cgroup namespace's root is the cgroup that its creator is in: so it is made here, not by the daemon.
  if (plan.namespaces.cgroup && unshare(CLONE_NEWCGROUP) != 0)
    return fail_errno("unshare the cgroup namespace");
  return {};
}

Status fill_namespaces(const Launch& launch) {
  const launch::Plan& plan = launch.plan;
  if (plan.namespaces.uts) {
    const std::string hostname = plan.worker.substr(0, kMaxHostname);
    if (sethostname(hostname.c_str(), hostname.size()) != 0) return fail_errno("sethostname");
  }
  if (launch.network && setns(launch.network.get(), CLONE_NEWNET) != 0)
    return fail_errno("enter the network namespace");
  return {};
}

Status own_session() {
  if (setsid() < 0 && errno != EPERM) return fail_errno("setsid");  // EPERM: it leads one already
  umask(022);  // the daemon's may be stricter, and the worker's user has to get through what is made here
  // Not to be ended by the OOM killer before or after its neighbours because of what the daemon was given.
  // Lowering a value that was raised needs CAP_SYS_RESOURCE; such a worker then stays easier to end, which is
  // harmless.
  auto written = kernel::write_file("/proc/self/oom_score_adj", "0");
  if (!written && written.error().errno_value != EACCES) return written;
  // Without a pid namespace orphans come here instead of to the host's init.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return fail_errno("become the subreaper");
  return {};
}

Status block_signals() {
  sigset_t all;
  sigfillset(&all);
  if (sigprocmask(SIG_SETMASK, &all, nullptr) != 0) return fail_errno("block signals");
  // An ignored SIGCHLD, inherited, would have the kernel reap the worker and its exit would be lost.
  if (signal(SIGCHLD, SIG_DFL) == SIG_ERR) return fail_errno("reset SIGCHLD");
  return {};
}

}  // namespace

Status Setup::run(launch::Stage stage) {
  const bool has_own_mounts = launch_.plan.namespaces.mount;
  switch (stage) {
    case launch::Stage::session:
      return own_session();
    case launch::Stage::signals:
      return block_signals();
    case launch::Stage::cgroup:
      return join_cgroups(launch_.plan, line_);
    case launch::Stage::namespaces:
      return fill_namespaces(launch_);
    case launch::Stage::mounts:
      if (!has_own_mounts) return {};
      HERD_CHECK(mounts_.clone_sources());
      return mounts_.enter_copy_of(launch_.base_tree.get());
    case launch::Stage::root:
      return has_own_mounts ? mounts_.fill() : Status{};
    default:
      return {};
  }
}

bool hands_over_listener(const launch::Plan& plan) {
  return plan.seccomp_notifies && !plan.seccomp_at_exec;
}

Result<std::optional<NotifySocket>> make_notify_socket(const launch::Plan& plan) {
  if (!plan.notify) return std::optional<NotifySocket>();
  HERD_TRY(NotifySocket socket, NotifySocket::bind_at(plan.notify_path, hands_over_listener(plan)));
  return std::optional<NotifySocket>(std::move(socket));
}

}  // namespace herd::exec
