// The host as it is seen from outside herd: its processes, its cgroups. Nothing here asks the daemon.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/unique_fd.hpp"

namespace herd::test {

using namespace std::chrono_literals;

/// How long a test waits for what should come at once: long, because the host may be busy.
inline constexpr std::chrono::seconds kPatience = 60s;

/// For poll(2); 0 where the deadline has passed.
inline int milliseconds_left(std::chrono::steady_clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

struct CgroupMount {
  std::string path;
  bool is_v2 = false;
  std::string controllers;  // v1: the mount's options
};
std::vector<CgroupMount> cgroup_mounts();
/// Of the v2 tree, or of the v1 hierarchy with that controller; "" where there is none.
std::string v2_mount();
std::string v1_mount(const std::string& controller);

/// The fields of /proc/PID/status; empty where there is no such process.
std::map<std::string, std::string> status_of(const std::string& process);
inline std::map<std::string, std::string> status_of(pid_t pid) {
  return status_of(std::to_string(pid));
}
std::vector<pid_t> threads_of(pid_t pid);
/// Of a process's threads the one with that name, waited for; -1 where none has it.
pid_t thread_called(pid_t pid, const std::string& name);
std::vector<pid_t> children_of(pid_t pid);
int open_fds_of(pid_t pid);
/// How much of one CPU it takes over that time, from now on: 1 for a process that spins.
double cpu_share_of(pid_t pid, std::chrono::milliseconds time);
/// Looks until it has that many, or the deadline: how many it had last.
int open_fds_within(pid_t pid, int wanted, std::chrono::milliseconds deadline);
/// "pid:[4026531836]"
std::string namespace_of(pid_t pid, const std::string& kind);
/// Processes in any cgroup that has `root` for its first name, zombies left out.
std::vector<pid_t> processes_below(const std::string& root);
/// Processes of one cgroup of the v2 tree.
std::vector<pid_t> processes_in(const std::string& cgroup);

/// For what a test changes of the host itself: waits for other tests that have the lock of that name.
UniqueFd lock_host(const std::string& name);

UniqueFd open_pidfd(pid_t pid);
/// True once the process has ended, false after the deadline.
bool ends_within(const UniqueFd& pidfd, std::chrono::milliseconds deadline);
bool is_running(pid_t pid);

/// Waits until no process is left in a v2 cgroup and all below it. True also where it is gone.
bool empties_within(const std::string& cgroup, std::chrono::milliseconds deadline);

}  // namespace herd::test
