// Each namespace by the call that herd makes it with; /proc/self/ns says whether it is another one.
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "cli/doctor/checks.hpp"
#include "cli/doctor/cloned.hpp"
#include "common/kernel/network.hpp"
#include "common/kernel/raw_syscall.hpp"

namespace herd::doctor {
namespace {

std::string identity_of(const std::string& kind) {
  std::array<char, 64> text{};
  const ssize_t size = readlink(("/proc/self/ns/" + kind).c_str(), text.data(), text.size() - 1);
  return size < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(size));
}

Result<std::string> unshare_one(int flag, const std::string& kind) {
  const std::string before = identity_of(kind);
  if (unshare(flag) != 0) return fail_errno("unshare");
  const std::string after = identity_of(kind);
  if (after.empty()) return fail("/proc/self/ns/" + kind + " can't be read");
  if (after == before) return fail("unshare said yes, and it is the same one");
  return "a new one: " + after;
}

int is_first(void*) {
  return kernel::raw_syscall(SYS_getpid) == 1 ? 0 : 1;
}

Result<std::string> pid_namespace() {
  HERD_TRY(const int code, run_cloned(CLONE_NEWPID, is_first));
  if (code != 0) return fail("the first process in it does not have the number 1");
  return std::string("clone3; its first process is PID 1");
}

Result<std::string> network_namespace() {
  HERD_TRY(const std::string made, unshare_one(CLONE_NEWNET, "net"));
  HERD_CHECK(kernel::bring_loopback_up());
  return made + ", its loopback up";
}

Check namespace_check(const std::string& name, kernel::Attempt attempt, const char* option) {
  return {.name = name + " namespace",
          .needed_for = kEveryPool,
          .attempt = std::move(attempt),
          .remedy = {kBeRoot, std::string("use a kernel with ") + option},
          .works_in_user_namespace = true};
}

}  // namespace

std::vector<Check> namespace_checks() {
  const auto unshared = [](int flag, const char* kind) {
    return [flag, kind] { return unshare_one(flag, kind); };
  };
  std::vector<Check> checks{
      namespace_check("pid", pid_namespace, "CONFIG_PID_NS, and a seccomp profile that allows clone3"),
      namespace_check("mount", unshared(CLONE_NEWNS, "mnt"), "mount namespaces"),
      namespace_check("ipc", unshared(CLONE_NEWIPC, "ipc"), "CONFIG_IPC_NS"),
      namespace_check("uts", unshared(CLONE_NEWUTS, "uts"), "CONFIG_UTS_NS"),
      namespace_check("cgroup", unshared(CLONE_NEWCGROUP, "cgroup"), "CONFIG_CGROUPS (Linux 4.6)"),
  };
  Check network = namespace_check("network", network_namespace, "CONFIG_NET_NS");
  network.need = Need::some;
  network.needed_for = "network: none, loopback";
  checks.push_back(std::move(network));
  return checks;
}

}  // namespace herd::doctor
