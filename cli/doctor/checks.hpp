// What is tried, one table an area.
#pragma once

#include <vector>

#include "cli/doctor/cgroup_trial.hpp"
#include "cli/doctor/check.hpp"
#include "cli/doctor/place.hpp"

namespace herd::doctor {

/// Kernel version, this process, user namespaces, ids for workers.
std::vector<Check> host_checks(const Place& place);
std::vector<Check> process_checks();  // clone3, sealed programs
std::vector<Check> namespace_checks();
std::vector<Check> mount_checks();
std::vector<Check> identity_checks(const Place& place);  // uids, groups, capabilities, limits
std::vector<Check> seccomp_checks();                     // no-new-privs, filters, Landlock
std::vector<Check> audit_checks();
/// Of cgroups that the trials hold, which have to live as long as the checks.
std::vector<Check> cgroup_checks(const CgroupTrials& trials);

/// What to do where an ordinary user has no ids for its workers.
inline const std::string kGiveIds =
    "give the user subordinate ids (usermod --add-subuids 100000-165535 --add-subgids 100000-165535 NAME) "
    "and "
    "install the package uidmap";

/// What to do where a process is not allowed something.
inline const std::string kBeRoot =
    "run herdd as root; in a container give it CAP_SYS_ADMIN and a seccomp profile that allows it";

}  // namespace herd::doctor
