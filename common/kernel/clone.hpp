// clone3(2) with a stack of the child's own: what posix_spawn and vfork can't do together with namespaces,
// cgroups and pidfds.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::kernel {

struct CloneOptions {
  std::uint64_t flags = 0;  // CLONE_NEW...; CLONE_VM, VFORK, PIDFD and CLEAR_SIGHAND are always added
  int cgroup = -1;          // directory fd on the v2 hierarchy: the child is born there (Linux 5.7)
};

struct Cloned {
  pid_t pid = -1;  // as the caller's pid namespace numbers it
  UniqueFd pidfd;
};

/// Runs `entry(argument)` in a child that shares the caller's memory until it execs or exits; the calling
/// thread waits for that. `entry` must only do what a vfork child may: no locks, no allocation that another
/// thread could see, raw system calls for ids. Its return value is the exit code. The constant cost (no copy
/// of page tables) is the point: it does not grow with the caller's memory. The caller blocks all signals
/// around it, so that no handler of the parent's ever runs in the child.
Result<Cloned> clone_vfork(const CloneOptions& options, int (*entry)(void*), void* argument);

}  // namespace herd::kernel
