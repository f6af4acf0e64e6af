// The first stages, in herd-exec itself: from session to cgroup.
#pragma once

#include <optional>

#include "daemon/exec/launch.hpp"
#include "daemon/exec/mounts.hpp"
#include "daemon/exec/notify_socket.hpp"

namespace herd::exec {

class Setup {
 public:
  Setup(const Launch& launch, int line) : launch_(launch), line_(line), mounts_(launch.plan.filesystem) {}
  /// Runs one stage; those that are the child's do nothing here.
  Status run(launch::Stage stage);

 private:
  const Launch& launch_;
  int line_;
  OwnMounts mounts_;
};

/// Whether the worker installs a filter with a listener itself, which then comes over the notify socket.
bool hands_over_listener(const launch::Plan& plan);
/// The notify socket, once the root is the worker's own.
Result<std::optional<NotifySocket>> make_notify_socket(const launch::Plan& plan);

}  // namespace herd::exec
