// The relay: a process of herd's own beside a worker that binds its port itself, in a network namespace of
// its own. Others reach that port through it, over a unix socket that herdd has bound.
#pragma once

#include <optional>

#include "common/error.hpp"
#include "common/kernel/clone.hpp"
#include "common/unique_fd.hpp"
#include "daemon/exec/launch.hpp"

namespace herd::exec {

struct Relay {
  kernel::Cloned process;
  UniqueFd leash;  // closed: it delivers what the worker has said, and exits
};

/// Empty where the plan has none. It is a child of the caller, in its namespaces and cgroups; on return it
/// has given up every privilege and holds nothing but its listener and its end of the leash.
Result<std::optional<Relay>> start_relay(const Launch& launch);

}  // namespace herd::exec
