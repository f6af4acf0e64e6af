// What is one worker's own in its filesystem: /tmp, /run, /dev/shm, /proc, and what its pool hides or binds.
// It stands on a copy of the base tree (base_tree.hpp). Works by fd, so no path on the way can be swapped for
// another.
#pragma once

#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"
#include "protocol/launch/plan.hpp"

namespace herd::exec {

/// Each step needs the one before it.
class OwnMounts {
 public:
  explicit OwnMounts(const launch::Filesystem& filesystem) : filesystem_(filesystem) {}

  /// While the host's tree is the root: what is bound is found there, and cloned.
  Status clone_sources();
  /// Into a mount namespace of this process's own, a copy of the one that holds the base tree. Its root is
  /// the root from here on, and nothing leads back.
  Status enter_copy_of(int base_namespace);
  Status fill();

 private:
  /// One path of the pool file: to be bound, or (no bind) hidden.
  struct Entry {
    std::string path;
    UniqueFd bind;  // detached
    bool is_directory = false;
  };

  Status add_bind(int host, const std::string& path, bool read_only);
  Status mount_proc();
  Status mount_tmpfs(const char* path, std::uint64_t bytes, const char* mode, std::uint64_t attributes);
  Status mount_configured();
  Status hide(const std::string& path);
  Result<UniqueFd> cover_directory(const std::string& path);
  Status attach_bind(const Entry& entry);
  Result<UniqueFd> open_or_make(const std::string& path, bool is_directory);

  const launch::Filesystem& filesystem_;
  std::vector<Entry> entries_;
  UniqueFd root_, cover_;
  std::vector<UniqueFd> open_covers_;  // writable until all binds have found their places in them
};

}  // namespace herd::exec
