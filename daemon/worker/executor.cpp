#include "daemon/worker/executor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <string>

#include "common/kernel/process.hpp"
#include "common/kernel/raw_syscall.hpp"
#include "common/kernel/seqpacket.hpp"

namespace herd::worker {
namespace {

constexpr int kOwnerLineInExec = 3;

/// Numbers below this are where herd-exec expects its own.
Result<UniqueFd> move_high(UniqueFd fd) {
  constexpr int kLowest = 10;
  UniqueFd high(fcntl(fd.get(), F_DUPFD_CLOEXEC, kLowest));
  if (!high) return fail_errno("duplicate an fd");
  return high;
}

std::string explain_clone(const Error& error, const kernel::WorkerCgroup* cgroup) {
  const std::string path = cgroup != nullptr ? cgroup->path() : "";
  if (error.errno_value == EBUSY)
    return " (the cgroup '" + path + "' has controllers given to children, so it can't hold processes)";
  if (error.errno_value == EOPNOTSUPP)
    return " (the cgroup '" + path + "' is in a threaded or invalid domain)";
  if (error.errno_value == EAGAIN)
    return " (no more processes: pids.max, RLIMIT_NPROC or kernel.pid_max of the daemon)";
  return "";
}

}  // namespace

/// All that the child reads; it shares this memory, so its errno comes back in it.
struct StartingExecutor::Context {
  int program;
  UniqueFd line;
  std::string title, name;
  char* argv[3];
  char* envp[1];
  long failure = 0;  // -errno

  Context(int program_fd, UniqueFd line_end, const char* shown)
      : program(program_fd),
        line(std::move(line_end)),
        title("herd-exec"),
        name(shown),
        argv{title.data(), name.data(), nullptr},
        envp{nullptr} {}

  static int exec(void* opaque) {
    auto& context = *static_cast<Context*>(opaque);
    // The copy is without the close-on-exec mark; `start` saw to it that `line` is another number.
    context.failure = kernel::raw_syscall(SYS_dup3, context.line.get(), kOwnerLineInExec, 0);
    if (context.failure >= 0)
      context.failure = kernel::raw_syscall(SYS_execveat, context.program, reinterpret_cast<long>(""),
                                            reinterpret_cast<long>(context.argv),
                                            reinterpret_cast<long>(context.envp), AT_EMPTY_PATH);
    return 127;
  }
};

StartingExecutor::StartingExecutor(UniqueFd line, std::unique_ptr<Context> context,
                                   kernel::SharingChild child)
    : line_(std::move(line)), context_(std::move(context)), child_(std::move(child)) {}

StartingExecutor::StartingExecutor(StartingExecutor&&) noexcept = default;
StartingExecutor::~StartingExecutor() = default;

Result<StartingExecutor> StartingExecutor::start(int program, const ExecutorOptions& options,
                                                 std::string_view message, std::span<const int> fds) {
  HERD_TRY(auto line, kernel::seqpacket_pair());
  HERD_CHECK(kernel::send_message(line[0].get(), message, fds));
  HERD_TRY(UniqueFd theirs, move_high(std::move(line[1])));
  auto context = std::make_unique<Context>(program, std::move(theirs), options.name);
  const int cgroup = options.cgroup != nullptr ? options.cgroup->v2_directory() : -1;
  auto child = kernel::SharingChild::start({options.namespace_flags, cgroup}, Context::exec, context.get());
  if (!child) {
    child.error().message += explain_clone(child.error(), options.cgroup);
    return tl::make_unexpected(child.error());
  }
  return StartingExecutor(std::move(line[0]), std::move(context), std::move(*child));
}

Result<Executor> StartingExecutor::finish() && {
  Executor executor{std::move(line_), std::move(child_).wait_for_release().pidfd};
  const long failure = context_->failure;
  context_.reset();
  if (failure >= 0) return executor;
  end_executor(executor);
  return fail_errno("execute herd-exec", static_cast<int>(-failure));
}

void end_executor(const Executor& executor) {
  (void)end_executor_within(executor, std::chrono::milliseconds(-1));
}

bool end_executor_within(const Executor& executor, std::chrono::milliseconds limit) {
  (void)kernel::send_signal(executor.pidfd.get(), SIGKILL);  // ESRCH: it had ended before
  pollfd ended{executor.pidfd.get(), POLLIN, 0};
  if (poll(&ended, 1, static_cast<int>(limit.count())) == 0) return false;
  siginfo_t info{};
  waitid(P_PIDFD, static_cast<id_t>(executor.pidfd.get()), &info, WEXITED);
  return true;
}

}  // namespace herd::worker
