// The launch plan: all that herd-exec needs to build one worker's sandbox and start the worker in it.
//
// It travels as JSON in a sealed memfd, the first fd of the message kPlan on the owner's line; the other fds
// of that message follow in the order of `fds`.
#pragma once

#include <sys/stat.h>

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
enum class FdRole {
  stdin_file,
  stdout_file,
  stderr_file,
  listener,  // the worker's
  seccomp_filter,
  base_tree,
  network,
  relay_listener,  // the relay's
};

struct Rlimit {
  int resource = 0;  // RLIMIT_...
  std::uint64_t soft = 0, hard = 0;
};

enum class RootKind { read_only_host, minimal, directory };

/// What all workers of a pool find at "/", before each adds what is its own; read-only.
struct Root {
  RootKind kind = RootKind::read_only_host;
  std::string directory;                  // `directory`: its path on the host
  std::string program;                    // `minimal`: it is there, and what it needs to start
  std::vector<std::string> library_path;  // `minimal`: directories that its loader searches first
  std::vector<std::string> binds;         // `minimal`: paths of the host that each worker mounts in it
  bool operator==(const Root&) const = default;
};

struct Filesystem {
  Root root;
  std::optional<std::uint64_t> tmp_bytes;  // empty: the host's /tmp, read-only
  std::vector<std::string> hide, read_only, writable;
};

/// Which namespaces herd-exec was born in, makes (mount, cgroup) or enters (network, by its fd).
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
  bool sets_groups = true;  // false: the user namespace lets nobody set them; `groups` are those that stay
  bool no_new_privs = true;
  Landlock landlock;
  bool seccomp_at_exec = false;   // else the filter's fd is handed on to the worker
  bool seccomp_logs = false;      // SECCOMP_FILTER_FLAG_LOG
  bool seccomp_records = false;   // no filter comes: herd-exec's own asks about every call
  bool seccomp_notifies = false;  // the filter has a listener, which goes to herdd
  int stop_signal = 15;
  std::int64_t stop_grace_ms = 10'000;
  bool notify = false;      // make a notify socket and tell of READY=1
  std::string notify_path;  // where it stands, inside the worker's root if that is its own
  /// The TCP port of 127.0.0.1 to which the relay brings what its listener accepts, inside the worker's
  /// network namespace; 0: there is no relay.
  std::uint16_t relay_port = 0;
  bool takes_terminal = false;  // its stdin is a terminal made for it: the controlling one of its session
  std::vector<FdRole> fds;
};

/// An error where a word holds bytes that are no UTF-8: a worker must not get others than were ordered.
Result<std::string> to_json(const Plan& plan);
Result<Plan> parse_plan(const std::string& text);
Result<std::string> to_json(const Root& root);
Result<Root> parse_root(const std::string& text);

/// What of the host stands in a base tree by itself: another file under that path makes the tree stale.
struct UsedFile {
  std::string path;
  std::uint64_t device = 0, inode = 0;
  std::int64_t changed_ns = 0;  // its ctime, since the epoch; 0: what is in it does not matter
  bool operator==(const UsedFile&) const = default;
};
UsedFile used_file(const std::string& path, const struct stat& info);
/// A directory or file that is seen through the tree as it is: only another one in its place matters.
UsedFile used_place(const std::string& path, const struct stat& info);
Result<std::string> to_json(const std::vector<UsedFile>& files);
Result<std::vector<UsedFile>> parse_used_files(const std::string& text);

}  // namespace herd::launch
