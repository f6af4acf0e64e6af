// A uid of its own, no groups, no capabilities, and the limit that keeps a crash from starting a program.
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "cli/doctor/checks.hpp"
#include "common/kernel/process.hpp"

namespace herd::doctor {
namespace {

/// The last of the default range: a user namespace that maps it maps the others too.
constexpr uid_t kUid = 1'900'000'000 + 65'535;

Result<std::string> no_groups() {
  if (setgroups(0, nullptr) != 0) return fail_errno("setgroups");
  if (getgroups(0, nullptr) != 0) return fail("there are still groups");
  return std::string("no groups are left");
}

uid_t uid_to_try(const Place& place) {
  const auto spare = place.ids.spare_ids();
  return place.ids.is_rootless && spare ? spare->first + spare->count - 1 : kUid;
}

Result<std::string> own_uid(uid_t uid) {
  if (setresgid(uid, uid, uid) != 0) return fail_errno("setresgid " + std::to_string(uid));
  if (setresuid(uid, uid, uid) != 0) return fail_errno("setresuid " + std::to_string(uid));
  uid_t real = 0, effective = 0, saved = 0;
  getresuid(&real, &effective, &saved);
  if (real != uid || effective != uid || saved != uid) return fail("setresuid said yes, and it did not take");
  if (setresuid(0, 0, 0) == 0) return fail("it could become root again");
  return "became uid and gid " + std::to_string(uid) + ", and not root again";
}

Status clear_sets() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const std::array<__user_cap_data_struct, 2> none{};
  if (syscall(SYS_capset, &header, none.data()) != 0) return fail_errno("capset");
  return {};
}

Result<std::string> no_capabilities() {
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability)
    if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0)
      return fail_errno("drop capability " + std::to_string(capability) + " from the bounding set");
  HERD_CHECK(clear_sets());
  HERD_TRY(const kernel::ProcessStatus status, kernel::read_status(AT_FDCWD, "/proc/self/status"));
  if ((status.cap_bounding | status.cap_permitted | status.cap_effective) != 0) return fail("some are left");
  return std::string("none is left, in the bounding set neither");
}

Result<std::string> core_limit() {
  const rlimit one{1, 1};
  if (setrlimit(RLIMIT_CORE, &one) != 0) return fail_errno("setrlimit RLIMIT_CORE 1");
  return std::string("a crash starts no program of a piped kernel.core_pattern");
}

Result<std::string> raised_limit() {
  const rlimit lowered{0, 0}, raised{1, 1};
  if (setrlimit(RLIMIT_NICE, &lowered) != 0 || setrlimit(RLIMIT_NICE, &raised) != 0)
    return fail_errno("raise a hard limit");
  return std::string("CAP_SYS_RESOURCE: a hard limit was raised");
}

}  // namespace

std::vector<Check> identity_checks(const Place& place) {
  const std::string be_root = "run herdd as root, in a container with CAP_SETUID, CAP_SETGID and CAP_SETPCAP";
  const std::string map = place.ids.is_rootless
                              ? kGiveIds
                              : "map the uids and gids 1900000000 to 1900065535 into this user namespace";
  const std::string refused = place.ids.is_rootless ? kGiveIds : be_root;
  const uid_t uid = uid_to_try(place);
  return {
      {.name = "no groups", .needed_for = kEveryPool, .attempt = no_groups, .remedy = {refused, refused}},
      {.name = "uid of its own",
       .needed_for = kEveryPool,
       .attempt = [uid] { return own_uid(uid); },
       .remedy = {refused, map}},
      {.name = "no capabilities",
       .needed_for = kEveryPool,
       .attempt = no_capabilities,
       .remedy = {be_root, be_root},
       .works_in_user_namespace = true},
      {.name = "core limit",
       .needed_for = kEveryPool,
       .attempt = core_limit,
       .remedy = {"give herdd a hard core limit of 1 or more: LimitCORE= in the unit, ulimit -Hc", ""}},
      {.name = "raising limits",
       .need = Need::some,
       .needed_for = "limits above herdd's own",
       .attempt = raised_limit,
       .remedy = {"give herdd CAP_SYS_RESOURCE, or high limits of its own: LimitNOFILE=, LimitCORE=", ""}}};
}

}  // namespace herd::doctor
