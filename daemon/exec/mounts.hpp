// The worker's filesystem: the host's tree read-only, with private /tmp, /run, /dev and /proc in it.
// Works on a clone of the host's tree by fd, so no path on the way can be swapped for another.
#pragma once

#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"
#include "protocol/launch/plan.hpp"

namespace herd::exec {

/// Builds the tree, mounted over "/" but not yet this process's root, and returns its fd. Needs a mount
/// namespace of the process's own.
Result<UniqueFd> build_root(const launch::Plan& plan);

/// Makes the tree the root and leaves nothing of the host's mounts behind.
Status enter_root(const UniqueFd& tree);

}  // namespace herd::exec
