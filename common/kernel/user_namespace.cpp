#include "common/kernel/user_namespace.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>

#include "common/kernel/files.hpp"
#include "common/kernel/id_mapper.hpp"
#include "common/text.hpp"

namespace herd::kernel {
namespace {

std::uint32_t number_in(const std::string& path, std::uint32_t otherwise) {
  const auto text = read_file(path);
  return text ? static_cast<std::uint32_t>(std::atoll(text->c_str())) : otherwise;
}

std::optional<std::uint32_t> to_account(const IdMap& map, std::uint32_t id, std::uint32_t overflow,
                                        bool is_rootless) {
  if (id == overflow && !map.has_all()) return std::nullopt;
  return is_rootless ? map.outside(id) : id;
}

std::optional<std::uint32_t> from_account(const IdMap& map, std::uint32_t id, bool is_rootless) {
  if (is_rootless) return map.inside(id);
  return map.has(id, 1) ? std::optional(id) : std::nullopt;
}

/// The part that both have.
std::vector<IdSpan> overlaps(const IdMap& one, const IdMap& other) {
  std::vector<IdSpan> spans;
  for (const IdRange& a : one.ranges())
    for (const IdRange& b : other.ranges()) {
      const std::uint32_t first = std::max(a.inside, b.inside);
      const std::uint64_t end =
          std::min(std::uint64_t{a.inside} + a.count, std::uint64_t{b.inside} + b.count);
      if (end > first) spans.push_back({first, static_cast<std::uint32_t>(end - first)});
    }
  return spans;
}

/// AppArmor's restriction lets the user namespace be made and refuses what it is for, so both come at once.
Status make_namespaces() {
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) return {};
  Error error = fail_errno("unshare").value();
  const std::string sysctls = forbidding_sysctls();
  error.message =
      "an ordinary user's herdd needs a user namespace and can't have one: " + error.message +
      (sysctls.empty()
           ? "; a seccomp filter or a security module around herdd forbids it, or the kernel has no "
             "CONFIG_USER_NS"
           : sysctls) +
      " (or run herdd as root; herdctl doctor shows what else is missing)";
  return tl::make_unexpected(std::move(error));
}

/// What newuidmap and newgidmap did not write: the user's own id alone, which needs no privilege.
Status map_own_ids(std::uint32_t uid, std::uint32_t gid) {
  if (trimmed(read_file("/proc/self/gid_map").value_or("")).empty()) {
    // Without it an unprivileged process may not write its gid_map (user_namespaces(7)).
    HERD_CHECK(write_file("/proc/self/setgroups", "deny"));
    HERD_CHECK(write_file("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1"));
  }
  if (!trimmed(read_file("/proc/self/uid_map").value_or("")).empty()) return {};
  return write_file("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1");
}

}  // namespace

std::optional<std::uint32_t> OwnIds::account_uid(std::uint32_t uid) const {
  return to_account(uids, uid, overflow_uid, is_rootless);
}
std::optional<std::uint32_t> OwnIds::account_gid(std::uint32_t gid) const {
  return to_account(gids, gid, overflow_gid, is_rootless);
}
std::optional<std::uint32_t> OwnIds::uid_of_account(std::uint32_t uid) const {
  return from_account(uids, uid, is_rootless);
}
std::optional<std::uint32_t> OwnIds::gid_of_account(std::uint32_t gid) const {
  return from_account(gids, gid, is_rootless);
}

std::optional<IdSpan> OwnIds::spare_ids() const {
  return longest_without(overlaps(uids, gids), {0, overflow_uid, overflow_gid});
}

Result<OwnIds> read_own_ids() {
  OwnIds ids;
  HERD_TRY(const std::string uid_map, read_file("/proc/self/uid_map"));
  HERD_TRY(ids.uids, IdMap::parse(uid_map));
  HERD_TRY(const std::string gid_map, read_file("/proc/self/gid_map"));
  HERD_TRY(ids.gids, IdMap::parse(gid_map));
  ids.overflow_uid = number_in("/proc/sys/kernel/overflowuid", ids.overflow_uid);
  ids.overflow_gid = number_in("/proc/sys/kernel/overflowgid", ids.overflow_gid);
  ids.may_set_groups = trimmed(read_file("/proc/self/setgroups").value_or("")) != "deny";
  return ids;
}

Status enter_user_namespace() {
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  if (unshare(CLONE_NEWUSER) != 0) return fail_errno("unshare a user namespace");
  return map_own_ids(uid, gid);
}

Result<OwnIds> become_root_of_own_namespace() {
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  HERD_TRY(const OwnIds around, read_own_ids());
  IdMapper mapper = IdMapper::prepare(uid, gid, around);  // outside, where newuidmap has its privilege
  HERD_CHECK(make_namespaces());
  const std::string why_no_more = mapper.write();
  if (auto mapped = map_own_ids(uid, gid); !mapped)
    return fail_in("map the user's own id into its user namespace", mapped.error());
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return fail_errno("take the host's mounts as they come and give none back");
  HERD_TRY(OwnIds ids, read_own_ids());
  ids.is_rootless = true;
  ids.why_no_more = why_no_more;
  return ids;
}

std::string forbidding_sysctls() {
  struct Sysctl {
    const char* name;
    const char* path;
    const char* value;  // that forbids
    const char* remedy;
  };
  constexpr Sysctl kSysctls[] = {
      {"user.max_user_namespaces", "/proc/sys/user/max_user_namespaces", "0",
       "sysctl user.max_user_namespaces=10000"},
      {"kernel.unprivileged_userns_clone", "/proc/sys/kernel/unprivileged_userns_clone", "0",
       "sysctl kernel.unprivileged_userns_clone=1"},
      {"kernel.apparmor_restrict_unprivileged_userns",
       "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
       "an AppArmor profile for herdd with 'userns,', or sysctl "
       "kernel.apparmor_restrict_unprivileged_userns=0"}};
  std::string text;
  for (const Sysctl& one : kSysctls)
    if (trimmed(read_file(one.path).value_or("")) == one.value)
      text += std::string("; ") + one.name + " is " + one.value + ": " + one.remedy;
  return text;
}

}  // namespace herd::kernel
