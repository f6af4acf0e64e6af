// herd-exec after the start: the init of the worker's tree. Reaps, passes on what the worker says of itself,
// stops the tree when it is told to or when herdd is gone, and tells how the worker ended.
#pragma once

#include <optional>

#include "common/kernel/clone.hpp"
#include "daemon/exec/launch.hpp"
#include "daemon/exec/notify_socket.hpp"
#include "daemon/exec/relay.hpp"

namespace herd::exec {

/// What runs, or is held open, beside the init.
struct Tree {
  kernel::Cloned worker;
  std::optional<Relay> relay;
  std::optional<NotifySocket> notify;
};

/// What the loop needs to remember of the plan; the rest of it is freed before the loop.
struct InitOptions {
  int stop_signal = 15;
  std::int64_t stop_grace_ms = 10'000;
  bool is_pid_one = true;
};

/// Runs until nothing of the tree is left.
void run_init(int line, int child_signals, Tree tree, InitOptions options);

}  // namespace herd::exec
