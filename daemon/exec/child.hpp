// The last stages, in the worker's own process: limits, capabilities, ids, no-new-privs, seccomp, exec.
//
// It is made by a vfork-like clone of herd-exec, which has one thread and waits: so this code may allocate,
// and reports a failure by writing it into memory that both see.
//
// Where the filter has a listener, that process makes the worker's as its sibling in the same way, and shares
// its files until the exec: the listener that the other one got is then still here, with a process that no
// filter keeps from handing it over. It ends with that.
#pragma once

#include <string>

#include "common/error.hpp"
#include "common/kernel/clone.hpp"
#include "daemon/exec/launch.hpp"

namespace herd::exec {

struct ChildFailure {
  launch::Stage stage = launch::Stage::limits;
  Error error;
};

struct StartedWorker {
  kernel::Cloned process;
  int landlock_abi = 0;  // of the kernel that put rules on it; 0: none were
};

/// Starts the worker. On failure the child is already reaped.
tl::expected<StartedWorker, ChildFailure> start_worker(const Launch& launch);

}  // namespace herd::exec
