#include "daemon/worker/spawner.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/kernel/clone.hpp"
#include "common/kernel/memfd.hpp"
#include "common/kernel/process.hpp"
#include "common/kernel/seqpacket.hpp"

namespace herd::worker {
namespace {

constexpr int kOwnerLineInExec = 3;

/// All that the vfork child reads; it shares this memory, so its errno comes back in it.
struct ChildContext {
  int program, line;
  char* argv[3];
  char* envp[1];
  int exec_errno = 0;
};

int exec_program(void* opaque) {
  auto& context = *static_cast<ChildContext*>(opaque);
  // dup2 takes the close-on-exec mark off the copy; the spawner saw to it that `line` is another number.
  if (dup2(context.line, kOwnerLineInExec) < 0) {
    context.exec_errno = errno;
    return 127;
  }
  syscall(SYS_execveat, context.program, "", context.argv, context.envp, AT_EMPTY_PATH);
  context.exec_errno = errno;
  return 127;
}

std::uint64_t namespace_flags(const launch::Namespaces& namespaces) {
  std::uint64_t flags = 0;
  if (namespaces.pid) flags |= CLONE_NEWPID;
  if (namespaces.mount) flags |= CLONE_NEWNS;
  if (namespaces.ipc) flags |= CLONE_NEWIPC;
  if (namespaces.uts) flags |= CLONE_NEWUTS;
  if (namespaces.network) flags |= CLONE_NEWNET;
  return flags;  // the cgroup namespace is herd-exec's to make, once it is in its cgroups
}

/// {read end, write end}; only the reader does not wait.
Result<std::pair<UniqueFd, UniqueFd>> output_pipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return fail_errno("pipe");
  UniqueFd read_end(fds[0]), write_end(fds[1]);
  if (fcntl(read_end.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno("pipe");
  return std::pair(std::move(read_end), std::move(write_end));
}

/// Numbers below this are where herd-exec expects its own.
Result<UniqueFd> move_high(UniqueFd fd) {
  constexpr int kLowest = 10;
  UniqueFd high(fcntl(fd.get(), F_DUPFD_CLOEXEC, kLowest));
  if (!high) return fail_errno("duplicate an fd");
  return high;
}

/// The worker's ends; the daemon's are kept in `spawned`.
Result<Stdio> output_pipes(const launch::Plan& plan, Spawned& spawned) {
  HERD_TRY(auto out, output_pipe());
  HERD_TRY(auto err, output_pipe());
  // As the worker's own, /dev/stdout and /dev/stderr can be opened by it.
  for (const UniqueFd* end : {&out.second, &err.second})
    if (fchown(end->get(), plan.uid, plan.gid) != 0) return fail_errno("give the output pipe to the worker");
  spawned.stdout_pipe = std::move(out.first);
  spawned.stderr_pipe = std::move(err.first);
  return Stdio{{}, std::move(out.second), std::move(err.second)};
}

/// herd-exec has no worker yet, and none comes: it is ended here and nothing of it is left.
void abandon(Spawned& spawned) {
  if (spawned.init_pidfd) {
    (void)kernel::send_signal(spawned.init_pidfd.get(), SIGKILL);  // ESRCH: it could not even be executed
    siginfo_t info{};
    waitid(P_PIDFD, static_cast<id_t>(spawned.init_pidfd.get()), &info, WEXITED);
  }
  (void)spawned.cgroup.remove();
}

std::string explain_clone(const Error& error, const std::string& cgroup) {
  if (error.errno_value == EBUSY)
    return " (the cgroup '" + cgroup + "' has controllers given to children, so it can't hold processes)";
  if (error.errno_value == EOPNOTSUPP)
    return " (the cgroup '" + cgroup + "' is in a threaded or invalid domain)";
  if (error.errno_value == EAGAIN)
    return " (no more processes: pids.max, RLIMIT_NPROC or kernel.pid_max of the daemon)";
  return "";
}

}  // namespace

Spawner::Spawner(const kernel::Cgroups& cgroups, const UniqueFd& program, Privileges privileges)
    : cgroups_(cgroups), program_(program), privileges_(privileges), thread_([this] { run(); }) {}

Spawner::~Spawner() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Spawner::submit(SpawnOrder order, Done done) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({std::move(order), std::move(done)});
  }
  changed_.notify_one();
}

void Spawner::run() {
  // No handler of the daemon's may run in a vfork child, which shares this memory; the mask is inherited, and
  // herd-exec sets its own.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  pthread_setname_np(pthread_self(), privileges_ == Privileges::no_new ? "spawner" : "spawner-priv");
  Status privileges_set;
  if (privileges_ == Privileges::no_new && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    privileges_set = fail_errno("PR_SET_NO_NEW_PRIVS");
  while (true) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job.done(privileges_set ? spawn(std::move(job.order)) : tl::make_unexpected(privileges_set.error()));
  }
}

/// herd-exec starts while the rest of its cgroup and its plan are made: it waits for the plan on the line,
/// and what it does until then (the kernel's work for its namespaces, exec, its libc) takes as long as all
/// that.
Result<Spawned> Spawner::spawn(SpawnOrder order) const {
  Spawned spawned;
  HERD_TRY(spawned.cgroup, cgroups_.begin(order.plan.pool, order.plan.worker));
  Status started = start_executor(order.plan, spawned);
  if (started) started = hand_over(order, spawned);
  if (!started) {
    abandon(spawned);
    return tl::make_unexpected(started.error());
  }
  return spawned;
}

Status Spawner::start_executor(launch::Plan& plan, Spawned& spawned) const {
  HERD_TRY(auto line, kernel::seqpacket_pair());
  HERD_TRY(const UniqueFd theirs, move_high(std::move(line[1])));
  char name[] = "herd-exec";
  ChildContext context{program_.get(), theirs.get(), {name, plan.worker.data(), nullptr}, {nullptr}};
  auto child = kernel::clone_vfork({namespace_flags(plan.namespaces), spawned.cgroup.v2_directory()},
                                   exec_program, &context);
  if (!child) {
    Error error = child.error();
    error.message += explain_clone(error, spawned.cgroup.path());
    return tl::make_unexpected(std::move(error));
  }
  spawned.line = std::move(line[0]);
  spawned.init_pidfd = std::move(child->pidfd);
  if (context.exec_errno != 0) return fail_errno("execute herd-exec", context.exec_errno);
  return {};
}

Status Spawner::hand_over(SpawnOrder& order, Spawned& spawned) const {
  launch::Plan& plan = order.plan;
  HERD_CHECK(
      cgroups_.complete(spawned.cgroup, order.limits, order.is_required ? nullptr : &spawned.left_out));
  std::vector<int> fds{-1};  // the plan's own place
  plan.fds.clear();
  const auto add = [&](int fd, launch::FdRole role) {
    fds.push_back(fd);
    plan.fds.push_back(role);
  };
  Stdio pipes;
  if (order.stdio) {
    plan.takes_terminal = order.stdio->is_terminal;
    add(order.stdio->input.get(), launch::FdRole::stdin_file);
  } else {
    HERD_TRY(pipes, output_pipes(plan, spawned));
  }
  const Stdio& stdio = order.stdio ? *order.stdio : pipes;
  add(stdio.output.get(), launch::FdRole::stdout_file);
  add(stdio.error.get(), launch::FdRole::stderr_file);
  if (order.listener) add(order.listener.get(), launch::FdRole::listener);
  if (order.seccomp_filter) add(order.seccomp_filter->get(), launch::FdRole::seccomp_filter);
  for (const int tasks : spawned.cgroup.v1_tasks()) add(tasks, launch::FdRole::cgroup_tasks);
  HERD_TRY(const UniqueFd memory, kernel::sealed_memfd("launch-plan", launch::to_json(plan)));
  fds.front() = memory.get();
  return kernel::send_message(spawned.line.get(), "plan", fds);
}

}  // namespace herd::worker
