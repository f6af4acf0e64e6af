// The new mount calls (Linux 5.2, mount_setattr 5.12) with errors that say what was mounted.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::kernel {

using MountOptions = std::vector<std::pair<std::string, std::string>>;

/// Size, inode limit and mode of a tmpfs.
MountOptions tmpfs_options(std::uint64_t bytes, const char* mode);

/// A new filesystem ("tmpfs", "proc"), detached. `attributes`: MOUNT_ATTR_...
Result<UniqueFd> new_filesystem(const std::string& type, const MountOptions& options,
                                std::uint64_t attributes);
/// A detached clone of what is mounted at an O_PATH fd, with all below it if `recursive`.
Result<UniqueFd> clone_tree(int path_fd, bool recursive);
/// Sets and clears MOUNT_ATTR_... on a mount, and on all below it if `recursive`.
Status change_attributes(int mount_fd, std::uint64_t set, std::uint64_t clear, bool recursive);
Status make_private(int mount_fd);
/// Attaches a detached mount on top of what the O_PATH fd `target` names.
Status attach(int mount_fd, int target);

/// O_PATH fd of `path` below the directory `root`, as if that were "/": no link leads out (openat2,
/// Linux 5.6), and none that others can change leads anywhere (path_walk.hpp).
Result<UniqueFd> open_inside(int root, const std::string& path);

/// Attaches a detached mount at `path` below the directory `root`.
Status attach_inside(int root, int mount_fd, const std::string& path);

}  // namespace herd::kernel
