// Where a worker listens: a socket that herd binds and hands over, or a port that the worker binds itself.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>

#include "common/error.hpp"
#include "common/kernel/cgroup.hpp"
#include "common/unique_fd.hpp"

namespace herd::worker {

/// Who may connect to workers' unix sockets.
struct SocketAccess {
  mode_t mode = 0660;
  gid_t group = 0;
};

struct Listener {
  UniqueFd fd;
  std::string address;  // "unix:/path" or "tcp:127.0.0.1:PORT"
};

/// `type`: SOCK_STREAM or SOCK_SEQPACKET. What is at `path` is replaced.
Result<Listener> listen_unix(const std::string& path, const SocketAccess& access, int type);
/// On a free port of 127.0.0.1.
Result<Listener> listen_tcp();

/// What a worker with a network namespace of its own is given for ${PORT}: nobody else is in there who could
/// have it, and it is none of those that the kernel gives to outgoing connections.
inline constexpr std::uint16_t kPortInOwnNetwork = 8080;

/// A port of 127.0.0.1 that is free now and not in `given`. Somebody else may take it before the worker does:
/// `is_listener_of` finds out.
Result<std::uint16_t> pick_port(const std::set<std::uint16_t>& given);

/// True if what listens on TCP `port` is a socket that a process of this cgroup holds. `pid` is one of its
/// processes: the port is looked up in that process's network namespace.
Result<bool> is_listener_of(const kernel::WorkerCgroup& cgroup, pid_t pid, std::uint16_t port);

}  // namespace herd::worker
