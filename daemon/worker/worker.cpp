#include "daemon/worker/worker.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio.hpp>

#include "common/kernel/landlock.hpp"
#include "common/kernel/process.hpp"
#include "common/kernel/seqpacket.hpp"
#include "common/log.hpp"

namespace herd::worker {

namespace asio = boost::asio;

Worker::Worker(Resources& resources, std::shared_ptr<const config::PoolSpec> pool, std::string id,
               WorkerCallbacks callbacks)
    : resources_(resources),
      pool_(std::move(pool)),
      id_(std::move(id)),
      callbacks_(std::move(callbacks)),
      output_(resources.io, pool_->name, id_),
      line_(resources.io),
      init_pidfd_(resources.io),
      timers_(resources.io) {}

void Worker::start() {
  auto order = prepare();
  if (!order) {
    // The answer comes from the loop, as every other does, never from inside start().
    asio::post(resources_.io,
               [self = shared_from_this(), error = order.error()] { self->fail_start("spawn", error); });
    return;
  }
  plan_ = order->plan;
  Spawner& spawner = pool_->sandbox.no_new_privs ? resources_.spawner : resources_.privileged_spawner;
  spawner.submit(std::move(*order), [self = shared_from_this()](Spawner::Outcome<Spawned> spawned) {
    auto& io = self->resources_.io;
    asio::post(io, [self, moved = std::make_shared<Spawner::Outcome<Spawned>>(std::move(spawned))] {
      self->on_spawned(std::move(*moved));
    });
  });
  spawn_task(watch_ready_timeout(shared_from_this()), "wait for a worker to get ready");
}

Result<SpawnOrder> Worker::prepare() {
  PlanParts parts;
  parts.worker = id_;
  if (pool_->sandbox.user == "auto") {
    HERD_TRY(parts.auto_uid, choose_uid());
  }
  SpawnOrder order;
  parts.notify_path_on_host = resources_.notify_sockets_directory + "/" + id_ + ".notify";
  HERD_CHECK(prepare_address(order, parts));
  order.is_required = pool_->sandbox.required;
  HERD_TRY(order.plan,
           build_plan(*pool_, parts, order.is_required ? nullptr : &record_.left_out, resources_.ids));
  if (order.plan.uid == geteuid())
    order.plan.filesystem.hide.insert(order.plan.filesystem.hide.end(), resources_.own_sockets.begin(),
                                      resources_.own_sockets.end());
  record_.uid = resources_.ids.account_uid(order.plan.uid).value_or(order.plan.uid);
  watch_denials();
  HERD_TRY(Filter filter, resources_.filters.get(pool_->sandbox.seccomp));
  order.seccomp_filter = std::move(filter.file);
  answers_ = std::move(filter.answers);
  if (take_recording_)
    order.plan.seccomp_at_exec = order.plan.seccomp_notifies = order.plan.seccomp_records = true;
  order.limits = {pool_->limits.memory, pool_->limits.swap, pool_->limits.cpu, pool_->limits.pids};
  order.stdio = std::move(stdio_);
  return order;
}

/// Where others reach it: a socket that is the worker's or its relay's from now on, or a port that it has to
/// bind.
Status Worker::prepare_address(SpawnOrder& order, PlanParts& parts) {
  using config::Listen;
  const Listen listen = pool_->listen;
  if (listen == Listen::none) {
    order.listener = std::move(socket_);
    parts.has_listener = static_cast<bool>(order.listener);
    return {};
  }
  const bool is_port = listen == Listen::port;
  if (is_port && pool_->sandbox.network == config::Network::host) {
    HERD_TRY(port_, pick_port(resources_.ports));
    resources_.ports.insert(*port_);
    parts.port = port_;
    record_.address = "tcp:127.0.0.1:" + std::to_string(*port_);
    return {};
  }
  if (is_port) parts.port = kPortInOwnNetwork;
  if (listen != Listen::tcp) socket_path_ = resources_.sockets_directory + "/" + id_ + ".sock";
  HERD_TRY(Listener listener, socket_path_.empty()
                                  ? listen_tcp()
                                  : listen_unix(socket_path_, resources_.socket_access, SOCK_STREAM));
  record_.address = std::move(listener.address);
  parts.has_listener = !is_port;
  (is_port ? order.relay_listener : order.listener) = std::move(listener.fd);
  return {};
}

/// For sandbox.user "auto": one that nobody else has, or, where herdd has none to give and the pool allows
/// it, herdd's own.
Result<std::uint32_t> Worker::choose_uid() {
  auto uid = resources_.uids.take();
  if (uid) taken_uid_ = *uid;
  if (uid || resources_.uids.has_any()) return uid;
  if (pool_->sandbox.required)
    return fail(uid.error().message +
                "; a pool whose sandbox says \"required\": false runs with herdd's own");
  record_.left_out.push_back(uid.error().message + ": the worker has herdd's own");
  return geteuid();
}

void Worker::fail_start(const std::string& stage, const Error& error) {
  setup_failure_ = Reason{ReasonKind::setup_failed, 0, 0, error.errno_value, stage, error.message};
  timers_.ready.cancel();
  release();
  callbacks_.gone(final_reason());
  callbacks_ = {};
}

void Worker::on_spawned(Spawner::Outcome<Spawned> spawned) {
  if (!spawned) return fail_start(spawned.error().stage, spawned.error().error);
  is_spawned_ = true;
  cgroup_ = std::move(spawned->cgroup);
  root_directory_ = std::move(spawned->root_directory);
  for (std::string& part : spawned->left_out) record_.left_out.push_back(std::move(part));
  show_cgroup_to_denials();
  line_.assign(spawned->executor.line.release());
  init_pidfd_.assign(spawned->executor.pidfd.release());
  if (spawned->stdout_pipe)
    output_.start(std::move(spawned->stdout_pipe), std::move(spawned->stderr_pipe), shared_from_this());
  spawn_task(read_line(shared_from_this()), "read the owner's line");
  spawn_task(wait_for_end(shared_from_this()), "wait for a worker's end");
  spawn_task(watch_oom(shared_from_this()), "watch for out of memory");
  if (stop_reason_) send_stop(Duration{0});  // it was not wanted any more before it was there
}

void Worker::on_message(kernel::Message message) {
  auto parsed = launch::parse_from_exec(message.text);
  if (!parsed) return log_error(parsed.error().message, {pool_->name, id_, {}});
  const LogSubject subject{pool_->name, id_, {}};
  if (const auto* started = std::get_if<launch::Started>(&*parsed)) {
    landlock_abi_ = started->landlock_abi;
    note_landlock();
    on_started(std::move(message));
  } else if (const auto* failed = std::get_if<launch::Failed>(&*parsed)) {
    setup_failure_ =
        Reason{ReasonKind::setup_failed, 0, 0, failed->errno_value, failed->stage, failed->message};
  } else if (std::holds_alternative<launch::NotifiedReady>(*parsed)) {
    if (pool_->ready.kind == config::ReadyKind::notify) on_ready();
  } else if (const auto* status = std::get_if<launch::NotifiedStatus>(&*parsed)) {
    record_.status_text = status->text;
  } else if (std::holds_alternative<launch::NotifyRefused>(*parsed)) {
    log_warning("READY=1 came from another process than the worker and was refused", subject);
  } else if (std::holds_alternative<launch::SeccompListener>(*parsed)) {
    take_listener(std::move(message));
  } else if (const auto* exited = std::get_if<launch::Exited>(&*parsed)) {
    exited_ = *exited;
  } else if (const auto* relay_end = std::get_if<launch::RelayEnded>(&*parsed)) {
    on_relay_ended(*relay_end);
  } else if (const auto* socket = std::get_if<launch::MadeSocket>(&*parsed)) {
    on_socket(*socket, message);
  }
}

void Worker::on_started(kernel::Message message) {
  record_.was_started = true;
  if (message.fds.size() != (has_relay() ? 2 : 1))
    return begin_stop({ReasonKind::setup_failed, 0, 0, EPROTO, "exec", "no pidfd came"}, Duration{0});
  worker_pidfd_ = std::move(message.fds.front());
  if (has_relay()) relay_pidfd_ = std::move(message.fds.back());
  const auto pid = kernel::pid_of(worker_pidfd_.get());
  if (!pid) {
    // A worker that ended at once has no number any more; its exit is on the line already. Any other trouble
    // (no fd left to read it with) is no reason to wait for ever for a process that nobody can look at.
    if (pid.error().errno_value != ESRCH)
      begin_stop({ReasonKind::setup_failed, 0, 0, pid.error().errno_value, "exec", pid.error().message},
                 Duration{0});
    return;
  }
  record_.pid = *pid;
  surroundings_ = verify_surroundings(*pid, expectation(), cgroup_);  // while the program starts up
  switch (pool_->ready.kind) {
    case config::ReadyKind::notify:
      return;
    case config::ReadyKind::started:
      return on_ready();
    default:
      return spawn_task(probe_until_ready(shared_from_this()), "probe a worker until it is ready");
  }
}

/// herd-exec stops the worker, with its grace.
void Worker::on_relay_ended(const launch::RelayEnded& end) {
  const auto oom_kills = cgroup_.oom_kills();
  if (end.signal == SIGKILL && oom_kills && *oom_kills > 0)
    return begin_stop(Reason{ReasonKind::oom_killed}, Duration{0});
  const ReasonKind kind = end.signal != 0 ? ReasonKind::signaled : ReasonKind::exited;
  begin_stop({kind, end.code, end.signal, 0, "", "the relay that leads to its port ended"},
             pool_->stop.grace);
}

void Worker::on_socket(const launch::MadeSocket& answer, kernel::Message& message) {
  const auto found = socket_orders_.find(answer.request);
  if (found == socket_orders_.end()) return;  // its prober has given up
  SocketOrder& order = *found->second;
  if (message.fds.size() == 1) {
    order.made = std::move(message.fds.front());
  } else {
    order.made = fail_errno("a socket of the worker's network", answer.errno_value);
  }
  order.limit.cancel();
}

/// The kernel had no fd left for the one that a message carried: it is lost, the next ones are not.
void Worker::on_lost_fd() {
  if (!worker_pidfd_) {
    const Error error = fail_errno("take the worker's pidfd", EMFILE).value();
    return begin_stop({ReasonKind::setup_failed, 0, 0, error.errno_value, "exec", error.message},
                      Duration{0});
  }
  for (const auto& [request, order] : socket_orders_) {
    order->made = fail_errno("a socket of the worker's network", EMFILE);
    order->limit.cancel();
  }
}

void Worker::note_landlock() {
  using kernel::landlock::kAbiScopes;
  if (plan_.landlock.mode == launch::LandlockMode::off || landlock_abi_ >= kAbiScopes) return;
  record_.left_out.push_back(
      landlock_abi_ == 0 ? "landlock: this kernel has none, or it is switched off"
                         : "landlock: this kernel's ABI " + std::to_string(landlock_abi_) +
                               " has no rules for signals and abstract unix sockets" +
                               (landlock_abi_ < kernel::landlock::kAbiTcp ? ", nor for TCP ports" : ""));
}

void Worker::on_ready() {
  if (is_ready_ || stop_reason_) return;
  is_ready_ = true;
  callbacks_.ready();
  verify_now();
}

/// A program that says nothing (ready: started) is given until its ready timeout to enter its sandbox, as no
/// event tells of that; all others said that they are ready, and must have it.
void Worker::verify_now() {
  if (stop_reason_) return;
  const pid_t pid = record_.pid.value_or(-1);
  const Expectation expected = expectation();
  if (plan_.capabilities != 0 || surroundings_.empty() || !failed_checks(surroundings_).empty())
    surroundings_ = verify_surroundings(pid, expected, cgroup_);
  record_.checks = verify_processes(pid, expected, cgroup_);
  record_.checks.insert(record_.checks.end(), surroundings_.begin(), surroundings_.end());
  const std::string failed = failed_checks(record_.checks);
  const bool is_same_process = worker_pidfd_ && kernel::is_alive(worker_pidfd_.get());
  if (failed.empty() && is_same_process) return become_verified();
  // Its exit is the reason, and is on its way: what /proc says of a process that is ending proves nothing.
  if (!is_same_process || kernel::is_ending(pid)) return;
  const bool may_still_enter = pool_->ready.kind == config::ReadyKind::started && has_seccomp() &&
                               pool_->sandbox.seccomp.enter == config::SeccompEnter::worker &&
                               lacks_only_filter(record_.checks);
  // A process on its way out has left its v1 cgroups before its end shows anywhere: look again before saying
  // that a part of the sandbox is missing. Nobody is served meanwhile.
  constexpr int kSecondLooks = 4;
  if ((may_still_enter && !is_out_of_time_) || second_looks_++ < kSecondLooks) return retry_verification();
  stop_as_not_verified();
}

Expectation Worker::expectation() {
  const auto init = kernel::pid_of(init_pidfd_.native_handle());
  const auto relay = has_relay() ? kernel::pid_of(relay_pidfd_.get()) : Result<pid_t>(-1);
  return {plan_,           has_seccomp(), resources_.daemon, init.value_or(-1), relay.value_or(-1),
          root_directory_, landlock_abi_, has_listener_};
}

void Worker::stop_as_not_verified() {
  begin_stop(
      {ReasonKind::not_verified, 0, 0, 0, failed_checks(record_.checks), describe_failures(record_.checks)},
      Duration{0});
}

void Worker::retry_verification() {
  constexpr std::chrono::milliseconds kFirst{2}, kLongest{100};
  verify_pause_ = std::clamp(verify_pause_ * 2, kFirst, kLongest);
  timers_.health.expires_after(verify_pause_);
  timers_.health.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->verify_now();
  });
}

void Worker::become_verified() {
  is_verified_ = true;
  timers_.ready.cancel();
  callbacks_.verified();
  if (pool_->health) spawn_task(watch_health(shared_from_this()), "check a worker's health");
  if (pool_->recycle.memory) spawn_task(watch_memory(shared_from_this()), "watch a worker's memory");
}

void Worker::stop(Reason reason) {
  begin_stop(std::move(reason), pool_->stop.grace);
}

void Worker::begin_stop(Reason reason, Duration grace) {
  if (stop_reason_ || has_ended_) return;
  stop_reason_ = std::move(reason);
  timers_.ready.cancel();
  timers_.health.cancel();
  timers_.memory.cancel();
  if (is_spawned_) send_stop(grace);
}

void Worker::send_stop(Duration grace) {
  if (denials_) grace > Duration{0} ? denials_->let_run() : denials_->let_go();
  const std::string order = launch::to_json(launch::Stop{pool_->stop.signal, grace.count()});
  // A line that is closed or full means that herd-exec is ending or stuck: the forced stop below sees to
  // that.
  (void)kernel::send_message(line_.native_handle(), order);
  spawn_task(force_stop(shared_from_this(), grace + kForceAfter), "stop a worker by force");
}

Reason Worker::final_reason() {
  if (setup_failure_) return *setup_failure_;
  const auto oom_kills = cgroup_.oom_kills();
  const bool was_oom_killed = oom_kills && *oom_kills > 0;
  const bool killed_from_outside = !exited_ || (exited_->signal == SIGKILL && !exited_->asked);
  if (was_oom_killed &&
      (killed_from_outside || (stop_reason_ && stop_reason_->kind == ReasonKind::oom_killed)))
    return Reason{ReasonKind::oom_killed};
  if (stop_reason_ && (!exited_ || exited_->asked)) return *stop_reason_;
  if (!exited_)
    return Reason{ReasonKind::signaled, 0, SIGKILL, 0, "", "herd-exec was ended, and the tree with it"};
  if (exited_->signal == SIGSYS) return reason_of_sigsys();
  if (const auto killed = reason_of_kill()) return *killed;
  if (exited_->signal != 0) return Reason{ReasonKind::signaled, 0, exited_->signal};
  return Reason{ReasonKind::exited, exited_->code};
}

/// What was this worker's alone, once its last process is gone.
void Worker::release() {
  is_gone_ = has_ended_ = true;
  timers_.ready.cancel();
  timers_.stop.cancel();
  timers_.health.cancel();
  timers_.memory.cancel();
  timers_.oom.cancel();
  timers_.end.cancel();
  timers_.record.cancel();
  denials_.reset();
  if (oom_events_) oom_events_->close();
  output_.finish();
  line_.close();
  init_pidfd_.close();
  worker_pidfd_.reset();
  relay_pidfd_.reset();
  for (const auto& [request, order] : socket_orders_) order->limit.cancel();
  if (!socket_path_.empty()) unlink(socket_path_.c_str());
  unlink((resources_.sockets_directory + "/" + id_ + ".notify").c_str());
  if (taken_uid_) resources_.uids.give_back(*taken_uid_);
  if (port_) resources_.ports.erase(*port_);
}

void Worker::spawn_task(Awaitable<> task, const char* what) {
  asio::co_spawn(resources_.io, std::move(task), log_failure(what));
}

}  // namespace herd::worker
