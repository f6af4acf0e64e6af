// What explains the rest: the kernel's version, who tries, and how user namespaces are restricted.
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/doctor/checks.hpp"
#include "common/kernel/files.hpp"
#include "common/kernel/mount_calls.hpp"
#include "common/kernel/process.hpp"
#include "common/kernel/user_namespace.hpp"
#include "common/text.hpp"

namespace herd::doctor {
namespace {

constexpr int kOldestMajor = 5, kOldestMinor = 14;
constexpr const char* kLetMakeNamespaces =
    "let users make user namespaces (sysctl, AppArmor profile, seccomp profile)";

Result<std::string> kernel_version() {
  utsname names{};
  uname(&names);
  int major = 0, minor = 0;
  if (std::sscanf(names.release, "%d.%d", &major, &minor) != 2)
    return fail(std::string("'") + names.release + "' is no version that herd can read");
  if (major < kOldestMajor || (major == kOldestMajor && minor < kOldestMinor))
    return fail(std::string(names.release) + " is older than 5.14");
  return std::string("Linux ") + names.release;
}

struct Capability {
  int number;
  const char* name;
};
/// Those of which herdd and herd-exec make use.
constexpr Capability kUsed[] = {{CAP_CHOWN, "CAP_CHOWN"},
                                {CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE"},
                                {CAP_FOWNER, "CAP_FOWNER"},
                                {CAP_KILL, "CAP_KILL"},
                                {CAP_SETGID, "CAP_SETGID"},
                                {CAP_SETUID, "CAP_SETUID"},
                                {CAP_SETPCAP, "CAP_SETPCAP"},
                                {CAP_NET_ADMIN, "CAP_NET_ADMIN"},
                                {CAP_SYS_PTRACE, "CAP_SYS_PTRACE"},
                                {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
                                {CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE"},
                                {CAP_MKNOD, "CAP_MKNOD"},
                                {CAP_AUDIT_READ, "CAP_AUDIT_READ"}};

std::string missing_capabilities(std::uint64_t effective) {
  std::string names;
  for (const Capability& one : kUsed)
    if ((effective >> one.number & 1) == 0) names += (names.empty() ? "" : " ") + std::string(one.name);
  return names;
}

bool is_in_user_namespace() {
  const auto ids = kernel::read_own_ids();
  return ids && !ids->uids.has_all();
}

Result<std::string> this_process(const kernel::OwnIds& ids) {
  HERD_TRY(const kernel::ProcessStatus status, kernel::read_status(AT_FDCWD, "/proc/self/status"));
  std::string text = "uid " + std::to_string(ids.account_uid(geteuid()).value_or(geteuid()));
  if (ids.is_rootless) text += ", root in a user namespace of its own, as its herdd is";
  const std::string missing = missing_capabilities(status.cap_effective);
  if (status.cap_effective == 0) {
    text += ", no capabilities";
  } else if (!missing.empty()) {
    text += ", without " + missing;
  }
  if (is_in_user_namespace() && !ids.is_rootless) text += ", in a user namespace";
  if (status.no_new_privs) text += ", with no_new_privs";
  if (status.seccomp_filters > 0)
    text += ", under " + std::to_string(status.seccomp_filters) + " seccomp filters";
  const std::string label = trimmed(kernel::read_file("/proc/self/attr/current").value_or(""));
  if (!label.empty() && label != "unconfined") text += ", labelled " + label;
  return text;
}

/// Root's own way would prove nothing for others.
Status become_nobody() {
  constexpr uid_t kNobody = 65534;
  if (geteuid() != 0) return {};
  if (setresgid(kNobody, kNobody, kNobody) != 0 || setresuid(kNobody, kNobody, kNobody) != 0) return {};
  // A change of ids takes /proc/self from us, with the maps that are to be written.
  if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) return fail_errno("prctl");
  return {};
}

/// AppArmor's restriction lets a user namespace be made and then refuses what it is for, so it is used.
Status mount_in_user_namespace() {
  HERD_CHECK(kernel::enter_user_namespace());
  if (unshare(CLONE_NEWNS) != 0) return fail_errno("unshare a mount namespace in it");
  const auto mounted = kernel::new_filesystem("tmpfs", {}, 0);
  if (!mounted) return tl::make_unexpected(mounted.error());
  return {};
}

Result<std::string> user_namespaces(const Place& place) {
  if (place.no_namespace) return tl::make_unexpected(*place.no_namespace);
  HERD_CHECK(become_nobody());
  const uid_t uid = geteuid();
  const auto mounted = mount_in_user_namespace();
  if (mounted)
    return "made by uid " + std::to_string(place.ids.account_uid(uid).value_or(uid)) + ", and mounted in";
  Error error = mounted.error();
  error.message += kernel::forbidding_sysctls();
  return tl::make_unexpected(std::move(error));
}

Result<std::string> subordinate_ids(const Place& place) {
  if (place.no_namespace) return fail("there is no user namespace for them");
  const auto spare = place.ids.spare_ids();
  if (!spare) return fail(place.ids.why_no_more);
  return "uids " + std::to_string(spare->first) + " to " + std::to_string(spare->first + spare->count - 1) +
         ", one for each worker";
}

Check subordinate_check(const Place& place) {
  const std::string remedy = place.no_namespace ? kLetMakeNamespaces : kGiveIds;
  Check check{.name = "subordinate ids",
              .needed_for = kEveryPool,
              .attempt = [&place] { return subordinate_ids(place); },
              .remedy = {remedy, remedy}};
  if (!place.is_ordinary_users()) check.excuse = "root has all ids of its user namespace";
  return check;
}

/// An ordinary user's herdd does not start without.
Check user_namespace_check(const Place& place) {
  const bool is_for_all = place.is_ordinary_users();
  return {.name = "user namespaces",
          .need = is_for_all ? Need::every_pool : Need::some,
          .needed_for = is_for_all ? kEveryPool : "ordinary users",
          .attempt = [&place] { return user_namespaces(place); },
          .remedy = {kLetMakeNamespaces,
                     "sysctl user.max_user_namespaces=10000, or a kernel with CONFIG_USER_NS"}};
}

}  // namespace

std::vector<Check> host_checks(const Place& place) {
  return {{.name = "kernel",
           .needed_for = kEveryPool,
           .attempt = kernel_version,
           .remedy = {"", "use Linux 5.14 or later"}},
          {.name = "this process",
           .need = Need::information,
           .needed_for = "-",
           .attempt = [&place] { return this_process(place.ids); },
           .remedy = {"mount /proc", "mount /proc"}},
          user_namespace_check(place),
          subordinate_check(place)};
}

}  // namespace herd::doctor
