// The mount namespace of which every worker's is a copy: the host's tree read-only, with what is the same for
// all workers already done (daemon/exec/base_tree.hpp). A herd-exec builds it and exits; the namespace lives
// by its fd.
#pragma once

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::worker {

/// All calls on the spawning thread. What it holds is a snapshot of the daemon's mounts, so it lasts until
/// these change: a filesystem that the host mounts is in the next worker, and one that the host unmounts is
/// not kept busy.
class BaseTree {
 public:
  /// `program`: herd-exec, pinned; must outlive this.
  explicit BaseTree(const UniqueFd& program) : program_(program) {}

  /// The namespace's fd, good until the next call; built if there is none yet.
  Result<int> get();
  /// Readable as poll(2)'s POLLPRI when the daemon's mounts have changed (proc_pid_mountinfo(5)); -1: nothing
  /// is held.
  [[nodiscard]] int changes_fd() const { return namespace_ ? mountinfo_.get() : -1; }
  void drop() { namespace_.reset(); }

 private:
  Status build();

  const UniqueFd& program_;
  UniqueFd mountinfo_, namespace_;
};

}  // namespace herd::worker
