// The first stages, in herd-exec itself: from fds to root.
#pragma once

#include <optional>

#include "daemon/exec/launch.hpp"
#include "daemon/exec/notify_socket.hpp"

namespace herd::exec {

class Setup {
 public:
  explicit Setup(const Launch& launch) : launch_(launch) {}
  /// Runs one stage; those that are the child's do nothing here.
  Status run(launch::Stage stage);

 private:
  const Launch& launch_;
  UniqueFd tree_;  // from `mounts` to `root`
};

/// The notify socket, once the root is the worker's own.
Result<std::optional<NotifySocket>> make_notify_socket(const launch::Plan& plan);

}  // namespace herd::exec
