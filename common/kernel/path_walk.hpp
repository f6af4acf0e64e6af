// Paths with symlinks in them, followed as far as they can be trusted.
#pragma once

#include <string>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::kernel {

/// O_PATH fd of `path` below the directory `root`, as if that were "/". A symlink is followed only where
/// nobody but root and this process's user can have put it there: on any other one a worker, or whoever else
/// may write to a directory on the way, would choose what is mounted (ELOOP).
Result<UniqueFd> walk_inside(int root, const std::string& path);

}  // namespace herd::kernel
