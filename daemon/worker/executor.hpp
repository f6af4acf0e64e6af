// Starting herd-exec, by the one way that holds for a daemon of any size.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "common/error.hpp"
#include "common/kernel/cgroup.hpp"
#include "common/kernel/clone.hpp"
#include "common/unique_fd.hpp"

namespace herd::worker {

struct Executor {
  UniqueFd line;   // herdd's end of the owner's line
  UniqueFd pidfd;  // of herd-exec
};

struct ExecutorOptions {
  const char* name = "";                         // what `ps` shows beside it
  std::uint64_t namespace_flags = 0;             // CLONE_NEW...
  const kernel::WorkerCgroup* cgroup = nullptr;  // in whose v2 directory it is born; null: the caller's
};

/// A herd-exec on its way to its exec, beside which the caller does other work.
class StartingExecutor {
 public:
  /// Starts `program` (herd-exec, pinned). Its first message and that message's fds are on the line before it
  /// runs, so it never waits for the calling thread. Only on a thread that blocks all signals. The fds may be
  /// closed after.
  static Result<StartingExecutor> start(int program, const ExecutorOptions& options, std::string_view message,
                                        std::span<const int> fds);
  StartingExecutor(StartingExecutor&&) noexcept;
  StartingExecutor& operator=(StartingExecutor&&) = delete;
  ~StartingExecutor();

  /// Waits for the exec.
  Result<Executor> finish() &&;

 private:
  struct Context;
  StartingExecutor(UniqueFd line, std::unique_ptr<Context> context, kernel::SharingChild child);

  UniqueFd line_;
  std::unique_ptr<Context> context_;
  kernel::SharingChild child_;  // destroyed, and waited for, before what it uses
};

/// SIGKILL, and waits for its end.
void end_executor(const Executor& executor);
/// The same, but false where it does not end in that time, as in a call to a filesystem that does not answer.
bool end_executor_within(const Executor& executor, std::chrono::milliseconds limit);

}  // namespace herd::worker
