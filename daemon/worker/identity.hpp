// Which ids and groups a worker gets.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/kernel/user_namespace.hpp"
#include "config/pool_spec.hpp"

namespace herd::worker {

/// As herdd's user namespace numbers them.
struct Identity {
  std::uint32_t uid = 0, gid = 0;
  std::vector<std::uint32_t> groups;
  bool sets_groups = true;  // false: `groups` are herdd's own, which nobody may take away
};

/// `auto_uid` is for sandbox.user "auto"; 0 there is herdd's own id, without root, where it has no other.
/// Groups of a named user that are not mapped can't be given, so its workers do without. Errors: an unknown
/// user, one that is not mapped, root; herdd's own id without the namespaces that keep its worker from herdd;
/// groups that should be given up and can't, which `left_out`, if there is one, notes instead.
Result<Identity> identity_of(const config::SandboxSpec& sandbox, std::uint32_t auto_uid,
                             const kernel::OwnIds& ids, std::vector<std::string>* left_out);

}  // namespace herd::worker
