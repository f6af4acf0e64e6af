// The mount namespaces of which the workers' are copies: the roots of the pools, with what is the same for
// all workers already done (daemon/exec/base_tree.hpp). A herd-exec builds one and exits; the namespace lives
// by its fd.
#pragma once

#include <list>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"
#include "daemon/worker/executor.hpp"
#include "protocol/launch/plan.hpp"

namespace herd::worker {

/// All calls on the spawning thread. What it holds are snapshots of the daemon's mounts, so they last until
/// these change: a filesystem that the host mounts is in the next worker, and one that the host unmounts is
/// not kept busy.
class BaseTrees {
 public:
  /// `program`: herd-exec, pinned; must outlive this.
  explicit BaseTrees(const UniqueFd& program) : program_(program) {}

  struct Copyable {
    int mount_namespace = -1;    // the fd
    launch::UsedFile directory;  // that is the root; without a path: none is
  };
  /// The namespace with this root, good until the next call; built if there is none, or if another
  /// file stands now under one of the paths of which it was made.
  Result<Copyable> get(const launch::Root& root);
  /// Readable as poll(2)'s POLLPRI when the daemon's mounts have changed (proc_pid_mountinfo(5)); -1: nothing
  /// is held.
  [[nodiscard]] int changes_fd() const { return trees_.empty() ? -1 : mountinfo_.get(); }
  void drop() { trees_.clear(); }

 private:
  struct Tree {
    launch::Root root;
    UniqueFd mount_namespace;
    std::vector<launch::UsedFile> files;
  };
  Result<Tree> build(const launch::Root& root);
  Result<Tree> ask_executor(const launch::Root& root);

  const UniqueFd& program_;
  UniqueFd mountinfo_;
  Executor stuck_;         // it was killed and has not ended: nothing is built before it has
  std::list<Tree> trees_;  // the last used first
};

}  // namespace herd::worker
