// Paths with symlinks in them, followed as far as they can be trusted.
#pragma once

#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::kernel {

struct FollowedLink {
  std::string path;  // where it is, without links on the way
  std::string target;
};

struct Walked {
  UniqueFd fd;       // O_PATH
  std::string path;  // where it led, without links
  std::vector<FollowedLink> links;
  std::vector<std::string> left;  // directories that the way led into and, by "..", out of again
};

/// Which symlinks are followed: those that nobody but the trusted can have put there, or all, as the kernel
/// and the loader do when they start a program.
enum class Links { trusted, all };

/// `path` below the directory `root`, as if that were "/". A symlink is followed only where
/// nobody but root and this process's user can have put it there: on any other one a worker, or whoever else
/// may write to a directory on the way, would choose what is mounted (ELOOP). Where `root` does not belong to
/// uid 0, as in a user namespace that does not map the host's root, owners can't be told apart, and only a
/// link in `root` itself is followed.
Result<Walked> walk_inside(int root, const std::string& path, Links links = Links::trusted);

}  // namespace herd::kernel
