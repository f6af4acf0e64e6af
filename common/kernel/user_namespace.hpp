// User namespaces: the one that a herdd without root makes around itself, and what ids a process has in its
// own (user_namespaces(7)).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/kernel/id_map.hpp"

namespace herd::kernel {

/// Who a process is to the host, and which ids it can give to others.
struct OwnIds {
  IdMap uids, gids;
  /// What the kernel shows for every id that has no place in the map (kernel.overflowuid, overflowgid): root
  /// and any other user look the same, and nobody must be taken for the one who really has this number.
  std::uint32_t overflow_uid = 65534, overflow_gid = 65534;
  bool may_set_groups = true;  // /proc/PID/setgroups
  /// This process made its namespace, so names and numbers of users mean those outside.
  bool is_rootless = false;
  std::string why_no_more;  // rootless: why the user's own id is the only one; empty: it is not

  /// A number that the kernel shows and that may stand for anybody.
  [[nodiscard]] bool is_unmapped(std::uint32_t uid) const { return uid == overflow_uid && !uids.has_all(); }
  /// The id by which the user database knows it; nothing for an unmapped one.
  [[nodiscard]] std::optional<std::uint32_t> account_uid(std::uint32_t uid) const;
  [[nodiscard]] std::optional<std::uint32_t> account_gid(std::uint32_t gid) const;
  /// The way back: an account's id as this process has to name it; nothing where it is not mapped.
  [[nodiscard]] std::optional<std::uint32_t> uid_of_account(std::uint32_t uid) const;
  [[nodiscard]] std::optional<std::uint32_t> gid_of_account(std::uint32_t gid) const;
  /// The longest span of numbers that are uids and gids here, and are neither 0 nor an overflow id.
  [[nodiscard]] std::optional<IdSpan> spare_ids() const;
};

/// From /proc/self.
Result<OwnIds> read_own_ids();

/// A user namespace of this process's own, in which it is root and its own uid and gid are the only ones.
Status enter_user_namespace();

/// Puts this process into a user namespace and a mount namespace of its own: its user is uid 0 there, with
/// all capabilities over what is made in it, and the user's subordinate ids (subuid(5)), written by
/// newuidmap(1) and newgidmap(1), have the numbers that they have on the host. Where there are none its own
/// id is the only one, and `why_no_more` says why. What the host mounts still comes in.
///
/// For an ordinary user; before there is a second thread. On failure the process is to end: its error says
/// which setting forbids it and what to do.
Result<OwnIds> become_root_of_own_namespace();

/// "; NAME is VALUE: REMEDY" for each sysctl of this kernel that keeps users from making user namespaces.
std::string forbidding_sysctls();

}  // namespace herd::kernel
