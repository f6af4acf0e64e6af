// What is tried, one table an area.
#pragma once

#include <vector>

#include "cli/doctor/cgroup_trial.hpp"
#include "cli/doctor/check.hpp"

namespace herd::doctor {

std::vector<Check> host_checks();     // kernel version, this process, user namespaces
std::vector<Check> process_checks();  // clone3, sealed programs
std::vector<Check> namespace_checks();
std::vector<Check> mount_checks();
std::vector<Check> identity_checks();  // uids, groups, capabilities, limits
std::vector<Check> seccomp_checks();   // no-new-privs, filters, Landlock
std::vector<Check> audit_checks();
/// Of cgroups that the trials hold, which have to live as long as the checks.
std::vector<Check> cgroup_checks(const CgroupTrials& trials);

/// What to do where a process is not allowed something.
inline const std::string kBeRoot =
    "run herdd as root; in a container give it CAP_SYS_ADMIN and a seccomp profile that allows it";

}  // namespace herd::doctor
