// What a process gives up and can't take back: no-new-privs, filters, Landlock.
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <latch>
#include <thread>

#include "cli/doctor/checks.hpp"
#include "cli/doctor/denied_call.hpp"
#include "common/kernel/landlock.hpp"
#include "common/kernel/process.hpp"
#include "common/seccomp/deny_one.hpp"

namespace herd::doctor {
namespace {

namespace landlock = kernel::landlock;

constexpr const char* kFilterOption = "use a kernel with CONFIG_SECCOMP_FILTER";

Result<std::string> no_new_privs() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("prctl");
  HERD_TRY(const kernel::ProcessStatus status, kernel::read_status(AT_FDCWD, "/proc/self/status"));
  if (!status.no_new_privs) return fail("prctl said yes, and /proc/self/status says no");
  return std::string("set, and read back");
}

Result<std::string> filter() {
  HERD_CHECK(seccomp::deny_one(kDeniedCall, {.log_denials = true}));
  if (!is_getppid_denied()) return fail("the filter was installed, and a call that it denies went through");
  return std::string("a call that it denies got EPERM");
}

Result<std::string> filter_for_all_threads() {
  std::latch is_installed(1);
  bool was_denied = false;
  std::thread other([&] {
    is_installed.wait();
    was_denied = is_getppid_denied();
  });
  const auto installed = seccomp::deny_one(kDeniedCall, {.all_threads = true});
  is_installed.count_down();
  other.join();
  HERD_CHECK(installed);
  if (!was_denied) return fail("another thread did not get the filter");
  return std::string("another thread got the filter too");
}

Result<std::string> has_action(unsigned action) {
  if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0)
    return fail_errno("SECCOMP_GET_ACTION_AVAIL");
  return std::string("the kernel has it");
}

std::string gifts_of(int abi) {
  std::string text = "ABI " + std::to_string(abi) + ": files";
  if (abi >= landlock::kAbiTcp) text += ", TCP ports";
  if (abi >= landlock::kAbiScopes) text += ", signals and abstract unix sockets";
  return text;
}

Result<std::string> landlock_rules() {
  const int abi = landlock::abi();
  if (abi == 0) return fail_errno("landlock_create_ruleset");
  HERD_TRY(auto rules, landlock::Ruleset::create({}));
  const UniqueFd root(open("/", O_PATH | O_CLOEXEC));
  HERD_CHECK(rules.allow(root.get(), landlock::Access::look));
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("no_new_privs");
  HERD_CHECK(rules.restrict_self());
  const UniqueFd written(open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (written) return fail("the rules were taken, and a file that they don't allow can be written");
  if (abi < landlock::kAbiScopes)
    return fail(gifts_of(abi) + "; `required` wants ABI " + std::to_string(landlock::kAbiScopes));
  return gifts_of(abi);
}

Check action_check(const char* name, unsigned action, Need need, const std::string& needed_for) {
  return {.name = std::string("seccomp ") + name,
          .need = need,
          .needed_for = needed_for,
          .attempt = [action] { return has_action(action); },
          .remedy = {"let the seccomp profile around herdd allow seccomp", "use Linux 5.0 or later"}};
}

}  // namespace

std::vector<Check> seccomp_checks() {
  const std::string allow = "let the seccomp profile around herdd allow prctl and seccomp";
  return {
      {.name = "no_new_privs",
       .needed_for = kEveryPool,
       .attempt = no_new_privs,
       .remedy = {allow, "use Linux 4.10 or later"}},
      {.name = "seccomp filter",
       .needed_for = kEveryPool,
       .attempt = filter,
       .remedy = {allow, kFilterOption}},
      {.name = "seccomp tsync",
       .needed_for = kEveryPool,
       .attempt = filter_for_all_threads,
       .remedy = {allow, kFilterOption}},
      action_check("errno", SECCOMP_RET_ERRNO, Need::every_pool, kEveryPool),
      action_check("kill_process", SECCOMP_RET_KILL_PROCESS, Need::every_pool, kEveryPool),
      action_check("log", SECCOMP_RET_LOG, Need::some, "seccomp.policy: log"),
      action_check("user_notif", SECCOMP_RET_USER_NOTIF, Need::information, "nothing yet"),
      {.name = "Landlock",
       .need = Need::some,
       .needed_for = "landlock: required",
       .attempt = landlock_rules,
       .remedy = {"let the seccomp profile around herdd allow landlock_*",
                  "use Linux 6.12 or later with CONFIG_SECURITY_LANDLOCK, and landlock in the list lsm="}}};
}

}  // namespace herd::doctor
