#include "cli/doctor/check.hpp"

#include <unistd.h>

#include <algorithm>

#include "common/kernel/user_namespace.hpp"

namespace herd::doctor {
namespace {

constexpr std::chrono::seconds kLimit{5};

bool is_refusal(int errno_value) {
  return errno_value == EPERM || errno_value == EACCES || errno_value == EROFS;
}

std::string remedy_for(const Remedy& remedy, int errno_value) {
  // Half of the attempts read back there what they did.
  if (access("/proc/self/status", R_OK) != 0) return "mount /proc";
  if (is_refusal(errno_value)) return remedy.if_refused;
  // namespaces(7): how it says that a user's or a nested namespace's limit is reached.
  if (errno_value == ENOSPC || errno_value == EUSERS)
    return "raise the limits of namespaces: sysctl user.max_user_namespaces and its neighbours user.max_*";
  return remedy.if_absent;
}

void try_in_user_namespace(const Check& check, Finding& finding) {
  const auto tried = kernel::probe(
      [&check]() -> Result<std::string> {
        HERD_CHECK(kernel::enter_user_namespace());
        return check.attempt();
      },
      kLimit);
  finding.in_user_namespace = tried ? Verdict::had : Verdict::missing;
  finding.why +=
      tried ? " (had in a user namespace)" : " (nor in a user namespace: " + tried.error().message + ")";
}

}  // namespace

Finding run(const Check& check) {
  Finding finding{.name = check.name, .need = check.need, .needed_for = check.needed_for};
  if (!check.excuse.empty()) {
    finding.verdict = Verdict::not_needed;
    finding.why = check.excuse;
    return finding;
  }
  auto tried = kernel::probe(check.attempt, kLimit);
  if (tried) {
    finding.verdict = Verdict::had;
    finding.why = std::move(*tried);
    return finding;
  }
  finding.why = tried.error().message;
  finding.errno_value = tried.error().errno_value;
  finding.remedy = remedy_for(check.remedy, finding.errno_value);
  if (check.works_in_user_namespace && is_refusal(finding.errno_value)) try_in_user_namespace(check, finding);
  return finding;
}

bool is_enough(const std::vector<Finding>& findings) {
  return std::ranges::none_of(findings, [](const Finding& finding) {
    return finding.need == Need::every_pool && finding.verdict == Verdict::missing;
  });
}

}  // namespace herd::doctor
