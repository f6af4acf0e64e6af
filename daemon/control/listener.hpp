// The control socket's file: who may have it, what stands in its way, and its end.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::control {

inline constexpr int kBacklog = 512;

/// What a socket is, and where another path for it is given: for messages.
struct SocketPurpose {
  const char* what = "control socket";
  const char* field = "control.path";
};

/// A listening socket at `path`, with exactly `mode` and the group `gid` (-1: as it comes).
///
/// It refuses where a daemon answers at `path`, and where something that is not a socket is there; a socket
/// that nobody listens on is replaced. The file is born with no permissions at all, gets its owner, then its
/// mode, and only then starts to listen: it is never more open than it should be. (The umask is the
/// process's: call this before there are threads that make files.)
///
/// Two daemons that race are kept apart by a lock on PATH.lock, held only while a socket is put up or taken
/// down. The lock file is made for that time and removed after it; one that a crash left behind locks nobody
/// out. It is a file of mode 0600 and not the directory itself, which anyone who may open it could lock and
/// so hold us up.
Result<UniqueFd> bind_unix_socket(const std::string& path, mode_t mode, gid_t gid = static_cast<gid_t>(-1),
                                  const SocketPurpose& purpose = {});

/// Which file a listening socket is: so that the end of one daemon never removes the socket of the next.
struct SocketFile {
  std::string path;  // empty: none, or an abstract name
  dev_t device = 0;
  ino_t inode = 0;
};
SocketFile file_of(int listener);
/// Removes the file if it is still the same one.
Status remove_socket(const SocketFile& file);

}  // namespace herd::control
