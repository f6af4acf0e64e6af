#include "daemon/exec/child.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <optional>
#include <vector>

#include "common/seccomp/ask_all.hpp"
#include "common/seccomp/evaluator.hpp"
#include "common/seccomp/install.hpp"
#include "common/seccomp/profile.hpp"
#include "daemon/exec/credentials.hpp"
#include "daemon/exec/landlock_rules.hpp"
#include "protocol/worker/environment.hpp"

namespace herd::exec {
namespace {

constexpr std::size_t kMaxInstructions = 4096;  // BPF_MAXINSNS
constexpr int kAboveWorkerFds = 16;  // where fds wait before they take their places; low, as the limit may be

/// argv and envp as execve wants them; LISTEN_PID is only known in the child and is written there.
struct ExecArguments {
  std::vector<std::string> storage;
  std::vector<char*> argv, envp;
  char listen_pid[32] = "";

  ExecArguments(const Launch& launch, int seccomp_fd) {
    storage = launch.plan.environment;
    if (seccomp_fd >= 0)
      storage.push_back(std::string(protocol::kSeccompFd) + "=" + std::to_string(seccomp_fd));
    if (launch.plan.notify)
      storage.push_back(std::string(protocol::kNotifySocket) + "=" + launch.plan.notify_path);
    const std::size_t variables = storage.size();
    storage.insert(storage.end(), launch.plan.argv.begin(), launch.plan.argv.end());
    for (std::size_t i = 0; i < variables; ++i) envp.push_back(storage[i].data());
    if (launch.listener) envp.push_back(listen_pid);
    envp.push_back(nullptr);
    for (std::size_t i = variables; i < storage.size(); ++i) argv.push_back(storage[i].data());
    argv.push_back(nullptr);
  }
};

struct ChildContext {
  const Launch& launch;
  ExecArguments& arguments;
  int seccomp_fd;  // its number in the worker, -1: none
  std::vector<sock_filter> filter;
  std::optional<kernel::landlock::Ruleset> landlock;
  std::optional<ChildFailure> failure;
  int exec_errno = 0;    // a failure, too
  seccomp::Pass pass{};  // where the filter asks about every call: what lets the exec pass
  // Where the filter has a listener; numbers in the files of the child and the worker.
  int line = -1, listener = -1;
  pid_t worker = -1;

  [[nodiscard]] bool has_listener() const { return !filter.empty() && launch.plan.seccomp_notifies; }
  int give_up(launch::Stage stage, Error error) {
    failure = ChildFailure{stage, std::move(error)};
    return 1;
  }
};

/// Leaves the owner's line open too, close-on-exec, where `line` is to have its number.
Status place_fds(const Launch& launch, int seccomp_fd, int* line) {
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null) return fail_errno("open '/dev/null'");
  struct Move {
    int from, to;
  };
  const int input = launch.stdin_file ? launch.stdin_file.get() : null.get();
  std::vector<Move> moves{{input, 0}, {launch.stdout_file.get(), 1}, {launch.stderr_file.get(), 2}};
  if (launch.listener) moves.push_back({launch.listener.get(), protocol::kListenFd});
  if (seccomp_fd >= 0) moves.push_back({launch.seccomp_filter.get(), seccomp_fd});
  if (line != nullptr) moves.push_back({kOwnerLineFd, *line = moves.back().to + 1});
  // First all out of the way, then each to its place: no move can then overwrite another's source.
  for (Move& move : moves) {
    move.from = fcntl(move.from, F_DUPFD_CLOEXEC, kAboveWorkerFds);
    if (move.from < 0) return fail_errno("duplicate an fd");
  }
  int next = 3;
  for (const Move& move : moves) {
    if (dup2(move.from, move.to) < 0) return fail_errno("place an fd");
    next = std::max(next, move.to + 1);
  }
  if (line != nullptr && fcntl(*line, F_SETFD, FD_CLOEXEC) != 0) return fail_errno("the owner's line");
  if (close_range(static_cast<unsigned>(next), ~0U, 0) != 0) return fail_errno("close_range");
  return {};
}

template <typename Wanted>
Status set_rlimits(const launch::Plan& plan, Wanted is_wanted) {
  for (const launch::Rlimit& limit : plan.rlimits) {
    const rlimit value{limit.soft, limit.hard};
    if (is_wanted(limit.resource) && setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &value) != 0)
      return fail_errno("rlimit " + std::to_string(limit.resource));
  }
  return {};
}

Status set_limits(const launch::Plan& plan) {
  umask(022);
  personality(PER_LINUX);
  // EACCES: only CAP_SYS_NICE of the host lowers the value of a daemon that was made nice; its workers stay
  // as nice, which is harmless.
  if (setpriority(PRIO_PROCESS, 0, 0) != 0 && errno != EACCES) return fail_errno("set the nice value");
  cpu_set_t all;
  std::memset(&all, 0xff, sizeof all);  // the kernel keeps the processors that exist and the cpuset allows
  if (sched_setaffinity(0, sizeof all, &all) != 0) return fail_errno("set the affinity");
  return set_rlimits(plan, [](int resource) { return resource != RLIMIT_NOFILE; });
}

Status reset_signals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < _NSIG; ++signal)
    if (signal != SIGKILL && signal != SIGSTOP) sigaction(signal, &action, nullptr);  // EINVAL: libc's own
  sigset_t none;
  sigemptyset(&none);
  if (sigprocmask(SIG_SETMASK, &none, nullptr) != 0) return fail_errno("unblock signals");
  return {};
}

/// An exec that is asked about would wait for ever: herdd gets the listener after it.
Status check_exec(const ChildContext& context) {
  const auto argument = [](const auto* pointer) { return reinterpret_cast<std::uint64_t>(pointer); };
  const ExecArguments& words = context.arguments;
  const seccomp_data call{SYS_execve,
                          seccomp::audit_arch(seccomp::native_arch()),
                          0,
                          {argument(words.argv[0]), argument(words.argv.data()), argument(words.envp.data()),
                           context.pass[0], context.pass[1], context.pass[2]}};
  HERD_TRY(const std::uint32_t answer, seccomp::evaluate(context.filter, call));
  if (answer == SECCOMP_RET_ALLOW) return {};
  return fail("the profile does not allow execve, which comes before herdd has the filter's listener");
}

Status install_filter(ChildContext& context) {
  const launch::Plan& plan = context.launch.plan;
  if (context.filter.empty()) return {};
  if (!context.has_listener())
    return seccomp::install(context.filter, {.log_denials = plan.seccomp_logs, .all_threads = false});
  HERD_CHECK(check_exec(context));
  HERD_TRY(UniqueFd listener, seccomp::install_with_listener(context.filter));
  context.listener = listener.release();
  return {};
}

Status run_stage(launch::Stage stage, ChildContext& context) {
  const launch::Plan& plan = context.launch.plan;
  switch (stage) {
    case launch::Stage::limits:
      return set_limits(plan);
    case launch::Stage::capabilities:
      return restrict_capabilities(plan.capabilities);
    case launch::Stage::ids:
      return become(plan);
    case launch::Stage::no_new_privs:
      if (plan.no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("prctl");
      return {};
    case launch::Stage::landlock:
      return context.landlock ? context.landlock->restrict_self() : Status{};
    default:
      return {};
  }
}

/// What only the process that becomes the worker can do for itself; returns only on failure.
int become_worker(void* opaque) {
  auto& context = *static_cast<ChildContext*>(opaque);
  if (setsid() < 0) return context.give_up(launch::Stage::session, fail_errno("setsid").value());
  if (context.launch.plan.takes_terminal && ioctl(0, TIOCSCTTY, 0) != 0)
    return context.give_up(launch::Stage::session, fail_errno("take the terminal").value());
  std::snprintf(context.arguments.listen_pid, sizeof context.arguments.listen_pid, "%s=%d",
                protocol::kListenPid, static_cast<int>(getpid()));
  if (auto reset = reset_signals(); !reset) return context.give_up(launch::Stage::signals, reset.error());
  if (auto done = install_filter(context); !done)
    return context.give_up(launch::Stage::seccomp, done.error());
  // Nothing else is called any more: the filter may deny it, or wait with it for an answer.
  syscall(SYS_execve, context.arguments.argv[0], context.arguments.argv.data(), context.arguments.envp.data(),
          context.pass[0], context.pass[1], context.pass[2]);
  context.exec_errno = errno;
  return 1;
}

/// Comes back once the worker's program runs, or could not be started.
int start_beside(ChildContext& context) {
  auto worker = kernel::clone_vfork({CLONE_FILES | CLONE_PARENT}, become_worker, &context);
  if (!worker)
    return context.give_up(launch::Stage::seccomp,
                           std::move(worker).error().in("a process more, for the filter's listener"));
  context.worker = worker->pid;
  if (context.failure || context.exec_errno != 0) return 1;
  const std::string message = launch::to_json(launch::SeccompListener{});
  if (auto sent = kernel::send_message(context.line, message, std::span(&context.listener, 1)); !sent)
    return context.give_up(launch::Stage::seccomp, std::move(sent).error().in("hand the listener over"));
  return 0;
}

/// All of the child's work, in order.
int child_main(void* opaque) {
  auto& context = *static_cast<ChildContext*>(opaque);
  const launch::Plan& plan = context.launch.plan;
  // Seccomp's place is right before exec, and fds and the directory have theirs between ids and seccomp: what
  // is done after the filter has to be allowed by it.
  for (const launch::Stage stage : {launch::Stage::limits, launch::Stage::capabilities, launch::Stage::ids,
                                    launch::Stage::no_new_privs, launch::Stage::landlock})
    if (auto done = run_stage(stage, context); !done) return context.give_up(stage, done.error());
  if (chdir(plan.working_directory.c_str()) != 0)
    return context.give_up(launch::Stage::exec,
                           fail_errno("working_directory '" + plan.working_directory + "'").value());
  int* const line = context.has_listener() ? &context.line : nullptr;
  if (auto placed = place_fds(context.launch, context.seccomp_fd, line); !placed)
    return context.give_up(launch::Stage::fds, placed.error());
  // Not before the fds have taken their places, for which higher numbers are needed on the way.
  if (auto limited = set_rlimits(plan, [](int resource) { return resource == RLIMIT_NOFILE; }); !limited)
    return context.give_up(launch::Stage::limits, limited.error());
  return context.has_listener() ? start_beside(context) : become_worker(opaque);
}

Result<std::vector<sock_filter>> read_filter(int fd) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return fail_errno("stat the filter");
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size == 0 || size % sizeof(sock_filter) != 0 || size / sizeof(sock_filter) > kMaxInstructions)
    return fail_errno("the filter's size", EINVAL);
  std::vector<sock_filter> filter(size / sizeof(sock_filter));
  if (pread(fd, filter.data(), size, 0) != static_cast<ssize_t>(size))
    return fail_errno("read the filter", EIO);
  return filter;
}

/// Exit, with which a process ends whose exec has failed, is in every profile anyway.
Result<std::vector<sock_filter>> recording_filter(ChildContext& context) {
  HERD_TRY(context.pass, seccomp::make_pass());
  return seccomp::ask_for_all_but(SYS_execve, context.pass, std::array{SYS_exit});
}

/// The place over the program's path where the worker does not see the host's files; empty: none.
std::string cover_over(const launch::Plan& plan) {
  std::vector<std::string> covers = plan.filesystem.hide;
  for (const char* place : {"/dev", "/proc", "/run"}) covers.emplace_back(place);
  if (plan.filesystem.tmp_bytes) covers.emplace_back("/tmp");
  for (const std::string& cover : covers)
    if (plan.namespaces.mount && plan.argv[0].starts_with(cover + "/")) return cover;
  return "";
}

/// With what a person can do about it.
Error exec_error(const launch::Plan& plan, int errno_value) {
  Error error = fail_errno("'" + plan.argv[0] + "'", errno_value).value();
  if (errno_value == ENOENT) {
    error.message += " (missing in the sandbox, or its interpreter is";
    if (const std::string cover = cover_over(plan); !cover.empty())
      error.message +=
          "; '" + cover + "' is the worker's own or hidden: name what it needs there in read_only";
    error.message += ")";
  }
  if (errno_value == EACCES)
    error.message += " (the worker's user may not execute it, or not reach its directory)";
  return error;
}

/// The child's sibling in its place, which is this process's child as well; with a failure in `context` the
/// one that is still to be waited for.
Result<kernel::Cloned> take_worker(kernel::Cloned& child, ChildContext& context) {
  if (context.worker < 0 && context.failure) return std::move(child);
  int status = 0;
  waitpid(child.pid, &status, 0);
  if (context.worker < 0) return fail("the process that was to hand the listener over was ended");
  if (!context.failure && context.exec_errno == 0 && status != 0)
    context.give_up(launch::Stage::seccomp, Error{"it was ended", 0});
  if (context.failure) kill(context.worker, SIGKILL);
  kernel::Cloned worker{context.worker,
                        UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, context.worker, 0)))};
  if (!worker.pidfd) return fail_errno("pidfd_open");
  return worker;
}

}  // namespace

tl::expected<StartedWorker, ChildFailure> start_worker(const Launch& launch) {
  const bool at_exec = launch.plan.seccomp_at_exec;
  const int seccomp_fd = !launch.seccomp_filter || at_exec ? -1 : launch.listener ? 4 : 3;
  ExecArguments arguments(launch, seccomp_fd);
  ChildContext context{launch, arguments, seccomp_fd, {}, {}};
  auto landlock = make_landlock_rules(launch.plan);
  if (!landlock) return tl::make_unexpected(ChildFailure{launch::Stage::landlock, landlock.error()});
  context.landlock = std::move(*landlock);
  if (at_exec) {
    auto filter =
        launch.plan.seccomp_records ? recording_filter(context) : read_filter(launch.seccomp_filter.get());
    if (!filter) return tl::make_unexpected(ChildFailure{launch::Stage::seccomp, filter.error()});
    context.filter = std::move(*filter);
  }
  auto child = kernel::clone_vfork({}, child_main, &context);
  if (!child) return tl::make_unexpected(ChildFailure{launch::Stage::exec, child.error()});
  if (context.has_listener()) child = take_worker(*child, context);
  if (!child) return tl::make_unexpected(ChildFailure{launch::Stage::seccomp, child.error()});
  if (context.exec_errno != 0)
    context.give_up(launch::Stage::exec, exec_error(launch.plan, context.exec_errno));
  if (context.failure) {
    waitpid(child->pid, nullptr, 0);
    return tl::make_unexpected(*context.failure);
  }
  return StartedWorker{std::move(*child), context.landlock ? context.landlock->abi() : 0};
}

}  // namespace herd::exec
