// The launch plan: all that herd-exec needs to build one worker's sandbox and start the worker in it.
//
// It travels as JSON in a sealed memfd, the first fd of the message kPlan on the owner's line; the other fds
// of that message follow in the order of `fds`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"

namespace herd::launch {

/// The stages of the set-up, in their fixed order; a failure is reported with the stage's name.
enum class Stage {
  fds,
  session,
  signals,
  namespaces,
  mounts,
  root,
  cgroup,
  limits,
  capabilities,
  ids,
  no_new_privs,
  landlock,
  seccomp,
  exec,
};
const char* name(Stage stage);

/// What each fd beside the plan is.
enum class FdRole { stdin_file, stdout_file, stderr_file, listener, seccomp_filter, base_tree };

struct Rlimit {
  int resource = 0;  // RLIMIT_...
  std::uint64_t soft = 0, hard = 0;
};

struct Filesystem {
  std::optional<std::uint64_t> tmp_bytes;  // empty: the host's /tmp, read-only
  std::vector<std::string> hide, read_only, writable;
};

/// Which namespaces herd-exec was born in, or makes (mount, cgroup).
struct Namespaces {
  bool pid = true, mount = true, ipc = true, uts = true, cgroup = true, network = false;
  bool loopback_up = false;
};

enum class LandlockMode { off, wanted, required };

struct Landlock {
  LandlockMode mode = LandlockMode::off;
  bool limits_tcp_bind = false;  // to these ports
  std::vector<std::uint16_t> tcp_bind_ports;
  bool forbids_tcp_connect = false;
};

struct Plan {
  std::string pool, worker;
  std::vector<std::string> argv;
  std::vector<std::string>
      environment;  // "NAME=value"; LISTEN_PID, HERD_SECCOMP_FD and NOTIFY_SOCKET are added
  std::string working_directory = "/";
  Namespaces namespaces;
  Filesystem filesystem;
  std::vector<Rlimit> rlimits;
  std::uint64_t capabilities = 0;  // bit n: capability n, in all five sets
  std::uint32_t uid = 0, gid = 0;
  std::vector<std::uint32_t> groups;
  bool no_new_privs = true;
  Landlock landlock;
  bool seccomp_at_exec = false;  // else the filter's fd is handed on to the worker
  bool seccomp_logs = false;     // SECCOMP_FILTER_FLAG_LOG
  int stop_signal = 15;
  std::int64_t stop_grace_ms = 10'000;
  bool notify = false;          // make a notify socket and tell of READY=1
  std::string notify_path;      // where it stands, inside the worker's root if that is its own
  bool takes_terminal = false;  // its stdin is a terminal made for it: the controlling one of its session
  std::vector<FdRole> fds;
};

/// An error where a word holds bytes that are no UTF-8: a worker must not get others than were ordered.
Result<std::string> to_json(const Plan& plan);
Result<Plan> parse_plan(const std::string& text);

}  // namespace herd::launch
