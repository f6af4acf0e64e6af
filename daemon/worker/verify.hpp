// The proof: what the kernel says of a worker's isolation, held against what its pool file asks for.
// Everything is read from /proc and the cgroup files, nothing from herd's own plan of what it did.
#pragma once

#include <sys/types.h>

#include <array>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/kernel/cgroup.hpp"
#include "common/kernel/mountinfo.hpp"
#include "common/kernel/process.hpp"
#include "protocol/launch/plan.hpp"

namespace herd::worker {

struct Check {
  std::string name;  // "no_new_privs" "seccomp" "namespace pid" "limit memory.max" ...
  std::string wanted, found;
  bool ok = false;
};

/// The kinds of namespaces that a worker may have of its own, as in /proc/PID/ns.
inline constexpr std::array<const char*, 6> kNamespaceKinds{"pid", "mnt", "ipc", "uts", "cgroup", "net"};

/// What the daemon itself has, which does not change while it runs: a worker's must differ, or (host network)
/// be the same.
struct DaemonFacts {
  int seccomp_filters = 0;
  bool no_new_privs = false;
  std::array<std::string, kNamespaceKinds.size()> namespaces;  // "pid:[4026531836]", by kind
};
Result<DaemonFacts> read_daemon_facts();

struct Expectation {
  const launch::Plan& plan;
  bool has_seccomp = true;
  DaemonFacts daemon;
  pid_t init = -1;                       // herd-exec: in the worker's cgroup, but not of it
  pid_t relay = -1;                      // the same, where the plan has one
  launch::UsedFile root_directory = {};  // where the plan's root is one: which it was
  /// What herd-exec had of the kernel when it put the rules on the worker: there is no file in which they
  /// could be read.
  int landlock_abi = 0;
  bool has_listener = false;  // herdd holds the one of the worker's filter
};

// The checks come in a fixed order; a fact that can't be read is a check that is not ok.

/// What the worker's processes have: no-new-privs and the filter of each thread, ids and capabilities. To be
/// asked when the worker says that it is ready, as it may put its filter on itself, and may have made a user
/// namespace in which it has all capabilities.
std::vector<Check> verify_processes(pid_t pid, const Expectation& expected,
                                    const kernel::WorkerCgroup& cgroup);
/// What is around them: namespaces, cgroup and limits, mounts. It is there when the worker's program starts,
/// and a worker without capabilities can change nothing of it.
std::vector<Check> verify_surroundings(pid_t pid, const Expectation& expected,
                                       const kernel::WorkerCgroup& cgroup);

/// Nothing is missing but what a worker gets by entering its sandbox.
bool lacks_only_filter(const std::vector<Check>& checks);

/// The names of the checks that failed, joined; empty if all is as wanted.
std::string failed_checks(const std::vector<Check>& checks);

/// "uid: wanted 5, found 0; ..." for people.
std::string describe_failures(const std::vector<Check>& checks);

/// Mount points of a worker that may be written, beside its `writable` ones.
std::vector<std::string> own_writable_mounts();
/// Mount points that are not read-only and not in `allowed`.
std::vector<std::string> unexpected_writable_mounts(const std::vector<kernel::Mount>& mounts,
                                                    const std::vector<std::string>& allowed);
/// Those on which setuid programs and file capabilities count.
std::vector<std::string> mounts_with_setuid(const std::vector<kernel::Mount>& mounts);
/// Those whose device nodes are devices, but for /dev and what covers files as /dev/null.
std::vector<std::string> mounts_with_devices(const std::vector<kernel::Mount>& mounts);

}  // namespace herd::worker
