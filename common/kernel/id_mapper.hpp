// Has a user's subordinate ids mapped into a user namespace that this process is about to make. Only a
// privileged program may map ids that are not the caller's own: newuidmap(1) and newgidmap(1) do, after a
// look into /etc/subuid and /etc/subgid. They have to run outside of the namespace, so a child that was
// forked before it starts them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "common/error.hpp"
#include "common/kernel/user_namespace.hpp"
#include "common/unique_fd.hpp"

namespace herd::kernel {

class IdMapper {
 public:
  /// Before the namespace is made, in a process with one thread. `around`: the ids of the namespace that the
  /// process is still in. Where the user has no subordinate ids, write() says so.
  static IdMapper prepare(uid_t uid, gid_t gid, const OwnIds& around);
  IdMapper(IdMapper&& other) noexcept;
  IdMapper& operator=(IdMapper&&) = delete;
  ~IdMapper();  // ends the child

  /// After it is made: maps 0 to the user and the subordinate ids to the same numbers. Empty if that is done;
  /// else why not, and the map of gids, or both, are still to be written.
  std::string write();

 private:
  IdMapper() = default;
  Status start_child(uid_t uid, gid_t gid, const OwnIds& around);
  std::string why_not_;
  pid_t child_ = -1;
  UniqueFd go_, answer_;
};

}  // namespace herd::kernel
