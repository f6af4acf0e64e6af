#include "daemon/worker/spawner.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <system_error>

#include "common/kernel/memfd.hpp"
#include "common/kernel/seqpacket.hpp"
#include "common/kernel/signals_blocked.hpp"
#include "protocol/launch/owner_line.hpp"

namespace herd::worker {

using launch::Stage;

namespace {

std::uint64_t namespace_flags(const launch::Namespaces& namespaces) {
  std::uint64_t flags = 0;
  if (namespaces.pid) flags |= CLONE_NEWPID;
  if (namespaces.ipc) flags |= CLONE_NEWIPC;
  if (namespaces.uts) flags |= CLONE_NEWUTS;
  return flags;  // mount and cgroup are herd-exec's to make: a copy of the base tree's, and once it is in its
                 // cgroups. It enters a network that is there already.
}

/// {read end, write end}; only the reader does not wait.
Result<std::pair<UniqueFd, UniqueFd>> output_pipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return fail_errno("pipe");
  UniqueFd read_end(fds[0]), write_end(fds[1]);
  if (fcntl(read_end.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno("pipe");
  return std::pair(std::move(read_end), std::move(write_end));
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

/// The same result; where it failed, with the stage that its reason names.
template <typename T>
Spawner::Outcome<T> at(const std::string& stage, Result<T> result) {
  return std::move(result).map_error([&](Error error) { return SpawnFailure{stage, std::move(error)}; });
}
template <typename T>
Spawner::Outcome<T> at(launch::Stage stage, Result<T> result) {
  return at(launch::name(stage), std::move(result));
}
constexpr const char* kSpawn = "spawn";

/// herd-exec has no worker yet, and none comes: it is ended here and nothing of it is left.
void abandon(Spawned& spawned) {
  if (spawned.executor.pidfd) end_executor(spawned.executor);
  (void)spawned.cgroup.remove();
}

}  // namespace

Spawner::Spawner(const kernel::Cgroups& cgroups, const UniqueFd& program, NetworkStock& networks,
                 Privileges privileges)
    : cgroups_(cgroups),
      program_(program),
      networks_(networks),
      privileges_(privileges),
      base_trees_(program),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) throw std::system_error(errno, std::generic_category(), "eventfd");
  const kernel::SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

Spawner::~Spawner() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  eventfd_write(wake_.get(), 1);
  thread_.join();
}

void Spawner::submit(SpawnOrder order, Done done) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({std::move(order), std::move(done)});
  }
  eventfd_write(wake_.get(), 1);
}

void Spawner::run() {
  pthread_setname_np(pthread_self(), privileges_ == Privileges::no_new ? "spawner" : "spawner-priv");
  Status privileges_set;
  if (privileges_ == Privileges::no_new && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    privileges_set = fail_errno("PR_SET_NO_NEW_PRIVS");
  while (auto job = next_job())
    job->done(privileges_set ? spawn(std::move(job->order))
                             : tl::make_unexpected(SpawnFailure{kSpawn, privileges_set.error()}));
}

std::optional<Spawner::Job> Spawner::next_job() {
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (!jobs_.empty()) {
        std::optional<Job> job(std::move(jobs_.front()));
        jobs_.pop_front();
        return job;
      }
      if (stopping_) return {};
    }
    wait_for_work();
  }
}

void Spawner::wait_for_work() {
  std::array<pollfd, 2> entries{{{wake_.get(), POLLIN, 0}, {base_trees_.changes_fd(), POLLPRI, 0}}};
  poll(entries.data(), entries.size(), -1);
  eventfd_t count;
  if (entries[0].revents != 0) eventfd_read(wake_.get(), &count);
  if (entries[1].revents != 0) base_trees_.drop();
}

Spawner::Outcome<Spawned> Spawner::spawn(SpawnOrder order) {
  Spawned spawned;
  HERD_TRY(const Parcel parcel, pack(order, spawned));
  HERD_TRY(spawned.cgroup,
           at(Stage::cgroup, cgroups_.begin(order.plan.pool, order.plan.worker,
                                            order.is_required ? nullptr : &spawned.left_out)));
  if (spawned.cgroup.is_nowhere() && !order.plan.namespaces.pid)
    return tl::make_unexpected(SpawnFailure{
        launch::name(Stage::cgroup),
        {spawned.left_out.back() +
         "; without a pid namespace either nothing would hold the worker's processes together"}});
  if (auto started = start(order, parcel, spawned); !started) {
    abandon(spawned);
    return tl::make_unexpected(started.error());
  }
  return spawned;
}

Spawner::Outcome<Spawner::Parcel> Spawner::pack(SpawnOrder& order, Spawned& spawned) {
  launch::Plan& plan = order.plan;
  Parcel parcel{{-1}, {}, {}, {}};  // the first is the plan's own place
  plan.fds.clear();
  const auto add = [&](int fd, launch::FdRole role) {
    parcel.fds.push_back(fd);
    plan.fds.push_back(role);
  };
  if (plan.namespaces.mount) {
    HERD_TRY(const BaseTrees::Copyable base_tree, at(Stage::mounts, base_trees_.get(plan.filesystem.root)));
    add(base_tree.mount_namespace, launch::FdRole::base_tree);
    spawned.root_directory = base_tree.directory;
  }
  if (plan.namespaces.network) {
    using Kind = NetworkStock::Kind;
    HERD_TRY(parcel.network, at(Stage::namespaces,
                                networks_.take(plan.namespaces.loopback_up ? Kind::loopback : Kind::bare)));
    add(parcel.network.get(), launch::FdRole::network);
  }
  if (order.stdio) {
    plan.takes_terminal = order.stdio->is_terminal;
    add(order.stdio->input.get(), launch::FdRole::stdin_file);
  } else {
    HERD_TRY(parcel.pipes, at(kSpawn, output_pipes(plan, spawned)));
  }
  const Stdio& stdio = order.stdio ? *order.stdio : parcel.pipes;
  add(stdio.output.get(), launch::FdRole::stdout_file);
  add(stdio.error.get(), launch::FdRole::stderr_file);
  if (order.listener) add(order.listener.get(), launch::FdRole::listener);
  if (order.relay_listener) add(order.relay_listener.get(), launch::FdRole::relay_listener);
  if (order.seccomp_filter) add(order.seccomp_filter->get(), launch::FdRole::seccomp_filter);
  HERD_TRY(const std::string text, at(kSpawn, launch::to_json(plan)));
  HERD_TRY(parcel.plan, at(kSpawn, kernel::sealed_memfd("launch-plan", text)));
  parcel.fds.front() = parcel.plan.get();
  return parcel;
}

/// herd-exec starts, and mounts, while the rest of its cgroup is made here: it waits for the cgroups' message
/// before it starts anything of the worker's.
Spawner::Outcome<void> Spawner::start(const SpawnOrder& order, const Parcel& parcel, Spawned& spawned) const {
  const launch::Plan& plan = order.plan;
  HERD_TRY(
      auto starting,
      at(kSpawn, StartingExecutor::start(
                     program_.get(), {plan.worker.c_str(), namespace_flags(plan.namespaces), &spawned.cgroup},
                     launch::kPlan, parcel.fds)));
  const auto limited = at(Stage::cgroup, cgroups_.complete(spawned.cgroup, order.limits,
                                                           order.is_required ? nullptr : &spawned.left_out));
  HERD_TRY(spawned.executor, at(kSpawn, std::move(starting).finish()));
  HERD_CHECK(limited);
  if (spawned.cgroup.is_nowhere()) {
    UniqueFd init(fcntl(spawned.executor.pidfd.get(), F_DUPFD_CLOEXEC, 0));
    if (!init) return at(kSpawn, Status(fail_errno("duplicate a pidfd")));
    spawned.cgroup.track_by_init(std::move(init));
  }
  auto sent = kernel::send_message(spawned.executor.line.get(), launch::kCgroups, spawned.cgroup.v1_tasks());
  // EPIPE: it has failed already, and why stands on the line for the one who reads it.
  return at(kSpawn, sent || sent.error().errno_value != EPIPE ? sent : Status{});
}

}  // namespace herd::worker
