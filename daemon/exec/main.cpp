// herd-exec: the small program between herdd and a worker. It builds the worker's sandbox, starts the worker
// in it, and stays as the init of its tree. Started by herdd only; everything comes over the owner's line (fd
// 3).
#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "common/kernel/files.hpp"
#include "common/kernel/memfd.hpp"
#include "daemon/exec/base_tree.hpp"
#include "daemon/exec/child.hpp"
#include "daemon/exec/credentials.hpp"
#include "daemon/exec/init.hpp"
#include "daemon/exec/launch.hpp"
#include "daemon/exec/relay.hpp"
#include "daemon/exec/setup.hpp"
#include "daemon/exec/thaw_guard.hpp"

namespace {

using namespace herd;

struct Running {
  exec::Tree tree;
  exec::InitOptions options;
  UniqueFd child_signals;
};

/// Nothing of the daemon's is kept: its standard fds are replaced, all beyond the line are closed.
Status forget_inherited_fds() {
  if (close_range(exec::kOwnerLineFd + 1, ~0U, 0) != 0) return fail_errno("close_range");
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return fail_errno("open '/dev/null'");
  for (int fd = 0; fd <= 2; ++fd)
    if (dup2(null.get(), fd) < 0) return fail_errno("dup2");
  if (fcntl(exec::kOwnerLineFd, F_SETFD, FD_CLOEXEC) != 0) return fail_errno("the owner's line");
  return {};
}

Result<UniqueFd> watch_children() {
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  UniqueFd fd(signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail_errno("signalfd");
  return fd;
}

/// herd-exec's own privileges from here on: it may signal its worker, which has another uid.
Status drop_own_privileges() {
  HERD_CHECK(exec::keep_only(1ULL << CAP_KILL));
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail_errno("PR_SET_DUMPABLE");
  return {};
}

tl::expected<Running, exec::ChildFailure> start(kernel::Message order) {
  using launch::Stage;
  const auto give_up = [](Stage stage, Error error) {
    return tl::make_unexpected(exec::ChildFailure{stage, std::move(error)});
  };
  auto launch = exec::read_launch(std::move(order));
  if (!launch) return give_up(Stage::fds, launch.error());
  const launch::Plan& plan = launch->plan;
  exec::Setup setup(*launch, exec::kOwnerLineFd);
  for (const Stage stage :
       {Stage::session, Stage::signals, Stage::namespaces, Stage::mounts, Stage::root, Stage::cgroup})
    if (auto done = setup.run(stage); !done) return give_up(stage, done.error());
  auto notify = exec::make_notify_socket(plan);
  if (!notify) return give_up(Stage::root, notify.error());
  auto signals = watch_children();
  if (!signals) return give_up(Stage::signals, signals.error());
  auto relay = exec::start_relay(*launch);
  if (!relay) return give_up(Stage::namespaces, relay.error());
  auto worker = exec::start_worker(*launch);
  if (!worker) return tl::make_unexpected(worker.error());
  std::vector<int> pidfds{worker->process.pidfd.get()};
  if (*relay) pidfds.push_back((*relay)->process.pidfd.get());
  exec::report(exec::kOwnerLineFd, launch::Started{worker->process.pid, worker->landlock_abi}, pidfds);
  return Running{{std::move(worker->process), std::move(*relay), std::move(*notify)},
                 exec::InitOptions{plan.stop_signal, plan.stop_grace_ms, plan.namespaces.pid},
                 std::move(*signals)};
}

/// It reads files that anybody may have written, beside the daemon and in its cgroup.
Status limit_own_memory() {
  constexpr rlimit kAddressSpace{256UL << 20, 256UL << 20};
  if (setrlimit(RLIMIT_AS, &kAddressSpace) != 0) return fail_errno("limit the memory");
  // Not held above others as the daemon may be; raising the value is always allowed.
  return kernel::write_file("/proc/self/oom_score_adj", "1000");
}

Status build_base_tree(const kernel::Message& order) {
  HERD_CHECK(limit_own_memory());
  const UniqueFd own_namespace(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!own_namespace) return fail_errno("open '/proc/self/ns/mnt'");
  umask(022);
  HERD_TRY(const launch::Root root, exec::read_root(order));
  HERD_TRY(const std::vector<launch::UsedFile> used, exec::build_base_tree(root));
  HERD_TRY(const std::string text, launch::to_json(used));
  HERD_TRY(const UniqueFd files, kernel::sealed_memfd("used-files", text));
  return kernel::send_message(exec::kOwnerLineFd, launch::kBaseTree,
                              std::array{own_namespace.get(), files.get()});
}

int report_failure(const exec::ChildFailure& failure) {
  exec::report(exec::kOwnerLineFd,
               launch::Failed{launch::name(failure.stage), failure.error.errno_value, failure.error.message});
  return 1;
}

}  // namespace

int main() {
  if (fcntl(exec::kOwnerLineFd, F_GETFD) < 0) {
    std::fputs("herd-exec is started by herdd, which hands it a launch plan; see herdd(8)\n", stderr);
    return 2;
  }
  prctl(PR_SET_NAME, "herd-exec");  // started by fd, the kernel would call it by the fd's number
  if (auto done = forget_inherited_fds(); !done) return report_failure({launch::Stage::fds, done.error()});
  auto order = kernel::receive_message(exec::kOwnerLineFd, true);
  if (!order) return report_failure({launch::Stage::fds, order.error()});
  if (order->text == launch::kBuildBaseTree) {
    const Status built = build_base_tree(*order);
    return built ? 0 : report_failure({launch::Stage::mounts, built.error()});
  }
  if (order->text == launch::kGuardFrozen) {
    const Status guarded = exec::guard_frozen(exec::kOwnerLineFd);
    return guarded ? 0 : report_failure({launch::Stage::capabilities, guarded.error()});
  }
  auto running = start(std::move(*order));
  if (!running) return report_failure(running.error());
  if (auto dropped = drop_own_privileges(); !dropped)
    return report_failure(
        {launch::Stage::capabilities, dropped.error()});  // as PID 1 this ends the worker too
  malloc_trim(0);  // the plan is freed; what stays for the worker's life should be small
  exec::run_init(exec::kOwnerLineFd, running->child_signals.get(), std::move(running->tree),
                 running->options);
  return 0;
}
