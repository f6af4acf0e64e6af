// herd-exec after the start: the init of the worker's tree. Reaps, passes on what the worker says of itself,
// stops the tree when it is told to or when herdd is gone, and tells how the worker ended.
#pragma once

#include <optional>

#include "common/kernel/clone.hpp"
#include "daemon/exec/launch.hpp"
#include "daemon/exec/notify_socket.hpp"

namespace herd::exec {

/// What the loop needs to remember of the plan; the rest of it is freed before the loop.
struct InitOptions {
  int stop_signal = 15;
  std::int64_t stop_grace_ms = 10'000;
  bool is_pid_one = true;
};

/// Runs until nothing of the tree is left.
void run_init(int line, int child_signals, kernel::Cloned worker, std::optional<NotifySocket> notify,
              InitOptions options);

}  // namespace herd::exec
