// clone3(2) with a stack of the child's own: what posix_spawn and vfork can't do together with namespaces,
// cgroups and pidfds.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::kernel {

struct CloneOptions {
  std::uint64_t flags = 0;  // CLONE_NEW..., CLONE_FILES, CLONE_PARENT; VM, PIDFD and CLEAR_SIGHAND are added
  int cgroup = -1;          // directory fd on the v2 hierarchy: the child is born there (Linux 5.7)
};

struct Cloned {
  pid_t pid = -1;  // as the caller's pid namespace numbers it
  UniqueFd pidfd;
};

/// A child that runs `entry(argument)` in the caller's memory, as vfork's does, until it execs or exits; but
/// the caller goes on meanwhile, and waits when it has nothing else to do. The constant cost (no copy of page
/// tables) is the point: it does not grow with the caller's memory.
///
/// `entry` runs beside the calling thread and with its thread-local storage: no locks, no allocation, no
/// errno (raw system calls), nothing written but through `argument`, which must live until the release. Its
/// return value is the exit code. The caller blocks all signals from before the call until the release, so
/// that no handler of its own ever runs in the child.
class SharingChild {
 public:
  static Result<SharingChild> start(const CloneOptions& options, int (*entry)(void*), void* argument);
  /// Waits for the release.
  ~SharingChild();
  SharingChild(SharingChild&& other) noexcept;
  SharingChild& operator=(SharingChild&&) = delete;

  /// Waits until the child has execed or exited, and no longer shares the memory.
  Cloned wait_for_release() &&;

 private:
  class Stack;
  SharingChild(Cloned cloned, std::unique_ptr<Stack> stack);

  Cloned cloned_;
  std::unique_ptr<Stack> stack_;  // empty: moved from
};

/// The same, waiting at once: `entry` may then do what a vfork child may.
Result<Cloned> clone_vfork(const CloneOptions& options, int (*entry)(void*), void* argument);

}  // namespace herd::kernel
