#include "daemon/exec/credentials.hpp"

#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace herd::exec {
namespace {

struct CapabilitySets {
  std::uint64_t permitted = 0, effective = 0, inheritable = 0;
};

Status get_capabilities(CapabilitySets& sets) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (syscall(SYS_capget, &header, data) != 0) return fail_errno("capget");
  const auto join = [](std::uint32_t low, std::uint32_t high) {
    return low | static_cast<std::uint64_t>(high) << 32;
  };
  sets = {join(data[0].permitted, data[1].permitted), join(data[0].effective, data[1].effective),
          join(data[0].inheritable, data[1].inheritable)};
  return {};
}

Status set_capabilities(const CapabilitySets& sets) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  for (int half = 0; half < 2; ++half) {
    data[half].permitted = static_cast<std::uint32_t>(sets.permitted >> (32 * half));
    data[half].effective = static_cast<std::uint32_t>(sets.effective >> (32 * half));
    data[half].inheritable = static_cast<std::uint32_t>(sets.inheritable >> (32 * half));
  }
  if (syscall(SYS_capset, &header, data) != 0) return fail_errno("capset");
  return {};
}

constexpr int kLastPossibleCapability = 63;

Status drop_bounding(std::uint64_t keep) {
  for (int capability = 0; capability <= kLastPossibleCapability; ++capability) {
    if ((keep >> capability & 1) != 0 || prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    const int errno_value = errno;
    if (errno_value == EINVAL) break;                                // the kernel knows no higher one
    if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 0) continue;  // it had been dropped before
    return fail_errno("drop capability " + std::to_string(capability) + " from the bounding set",
                      errno_value);
  }
  return {};
}

}  // namespace

Status restrict_capabilities(std::uint64_t keep) {
  HERD_CHECK(drop_bounding(keep));
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
    return fail_errno("clear the ambient set");
  CapabilitySets sets;
  HERD_CHECK(get_capabilities(sets));
  if ((keep & ~sets.permitted) != 0)
    return fail_errno("a capability of the plan is not herdd's to give", EPERM);
  sets.inheritable = keep;
  HERD_CHECK(set_capabilities(sets));
  for (int capability = 0; capability <= kLastPossibleCapability; ++capability) {
    if ((keep >> capability & 1) == 0) continue;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0)
      return fail_errno("raise capability " + std::to_string(capability) + " in the ambient set");
  }
  // NO_SETUID_FIXUP: leaving uid 0 neither clears the sets (they are set exactly afterwards) nor ever refills
  // them.
  constexpr unsigned long kBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                  SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                  SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  if (prctl(PR_SET_SECUREBITS, kBits, 0, 0, 0) != 0) return fail_errno("lock the securebits");
  return {};
}

Status become(const launch::Plan& plan) {
  if (plan.sets_groups && syscall(SYS_setgroups, plan.groups.size(), plan.groups.data()) != 0)
    return fail_errno("setgroups");
  if (syscall(SYS_setresgid, plan.gid, plan.gid, plan.gid) != 0) return fail_errno("setresgid");
  if (syscall(SYS_setresuid, plan.uid, plan.uid, plan.uid) != 0) return fail_errno("setresuid");
  std::uint32_t real = 0, effective = 0, saved = 0;
  if (syscall(SYS_getresuid, &real, &effective, &saved) != 0 || real != plan.uid || effective != plan.uid ||
      saved != plan.uid)
    return fail_errno("setresuid did not take", EPERM);
  if (syscall(SYS_getresgid, &real, &effective, &saved) != 0 || real != plan.gid || effective != plan.gid ||
      saved != plan.gid)
    return fail_errno("setresgid did not take", EPERM);
  HERD_CHECK(set_capabilities({plan.capabilities, plan.capabilities, plan.capabilities}));
  constexpr int kSetUid = 1ULL << CAP_SETUID;
  if ((plan.capabilities & kSetUid) == 0 && plan.uid != 0 && syscall(SYS_setresuid, 0, 0, 0) == 0)
    return fail_errno("the worker could become root again", EPERM);
  // A session keyring of its own, or it would share the daemon's (keyctl(2)); kernels without keys have none.
  if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0 && errno != ENOSYS)
    return fail_errno("join a session keyring");
  return {};
}

Status keep_only(std::uint64_t keep) {
  HERD_CHECK(drop_bounding(0));
  return set_capabilities({keep, keep, 0});
}

}  // namespace herd::exec
