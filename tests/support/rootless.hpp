// A herdd that an ordinary user starts: as whom, with which subordinate ids, in which cgroup.
#pragma once

#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/test_daemon.hpp"

namespace herd::test {

/// An account that every Debian host has and that owns nothing there. Its gid is another number than its uid.
inline constexpr uid_t kUser = 5;
inline constexpr gid_t kUsersGroup = 60;
inline constexpr const char* kUserName = "games";

/// Numbers that no host's /etc/subuid gives away, others for each test that may run at the same time. There
/// are fewer gids than uids, and they are other numbers.
inline constexpr std::uint32_t kUidCount = 3000, kGidCount = 2000;
inline uid_t first_uid() {
  return 1'700'000'000 + static_cast<uid_t>(::getpid() % 10'000) * kUidCount;
}
inline gid_t first_gid() {
  return first_uid() + 50'000'000;
}

enum class SubordinateIds { none, some };

/// What a child does, as root, before its exec: its /etc/subuid and /etc/subgid say what is wanted, whatever
/// the host's say.
std::function<void()> with_subordinate_ids(SubordinateIds ids);

DaemonOptions rootless(SubordinateIds ids, Json config = Json::object());

/// The pool with the programs of the daemon's own directory, and, as no cgroup is an ordinary user's, with
/// `required` false unless the overrides say otherwise.
Json rootless_pool(const TestDaemon& daemon, Json pool, const Json& sandbox = Json::object());

/// A cgroup in each hierarchy that belongs to the user.
class DelegatedCgroups {
 public:
  DelegatedCgroups();
  ~DelegatedCgroups();
  DelegatedCgroups(const DelegatedCgroups&) = delete;
  DelegatedCgroups& operator=(const DelegatedCgroups&) = delete;

  /// For the process that calls it.
  void join() const;
  /// A v2 cgroup that a killed daemon left with controllers given to its children takes no process. What was
  /// in it is ended and removed, as a service manager does before it starts a unit again.
  void let_processes_in() const;
  /// As /proc/PID/cgroup shows it.
  [[nodiscard]] std::string path() const { return "/" + name_; }
  /// The directories that are in them, of all hierarchies.
  [[nodiscard]] std::vector<std::string> children() const;

 private:
  std::string name_;
  std::vector<std::string> given_;  // controllers that the top of the v2 tree did not give before
};

/// Processes with a real uid of the subordinate range, as the host sees them.
std::vector<pid_t> processes_with_subordinate_uids();

}  // namespace herd::test
