// The part of a worker's filesystem that is the same for all of its pool: what its root is made of,
// read-only, a /dev with the harmless nodes, what is hidden of /sys. It is built once, in a mount namespace
// of its own; each worker gets a copy of that namespace and adds what is its own (mounts.hpp).
#pragma once

#include <vector>

#include "common/error.hpp"
#include "protocol/launch/plan.hpp"

namespace herd::exec {

/// An empty read-only directory in the base tree, there to be cloned as a cover; a worker's own /run goes
/// over it.
inline constexpr const char* kCover = "/run";

/// Builds the tree and makes it this process's root, with nothing of the host's mounts left beside it. Needs
/// a mount namespace of the process's own. Returns what of the host is in it by its own path: the files of a
/// minimal root and its binds, the root directory.
Result<std::vector<launch::UsedFile>> build_base_tree(const launch::Root& root);

}  // namespace herd::exec
