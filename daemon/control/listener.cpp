#include "daemon/control/listener.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

#include "protocol/control/unix_socket.hpp"

namespace herd::control {
namespace {

/// PATH.lock, held from its making to the end of this object.
class PathLock {
 public:
  static Result<PathLock> take(const std::string& socket_path) {
    PathLock lock;
    lock.path_ = socket_path + ".lock";
    for (;;) {
      UniqueFd fd(open(lock.path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
      if (!fd) return fail_errno("lock '" + lock.path_ + "'");
      while (flock(fd.get(), LOCK_EX) < 0) {
        if (errno != EINTR) return fail_errno("lock '" + lock.path_ + "'");
      }
      // Whoever had the lock before has removed the file: then this lock is on nothing that others see.
      struct stat held {
      }, named{};
      if (fstat(fd.get(), &held) == 0 && stat(lock.path_.c_str(), &named) == 0 &&
          held.st_ino == named.st_ino && held.st_dev == named.st_dev) {
        lock.fd_ = std::move(fd);
        return lock;
      }
    }
  }
  PathLock(PathLock&&) noexcept = default;
  PathLock& operator=(PathLock&&) = delete;
  ~PathLock() {
    if (fd_) unlink(path_.c_str());
  }

 private:
  PathLock() = default;
  std::string path_;
  UniqueFd fd_;
};

class UmaskGuard {
 public:
  explicit UmaskGuard(mode_t mask) : before_(umask(mask)) {}
  ~UmaskGuard() { umask(before_); }
  UmaskGuard(const UmaskGuard&) = delete;
  UmaskGuard& operator=(const UmaskGuard&) = delete;

 private:
  mode_t before_;
};

/// Leaves `path` free to be bound, or says why it isn't.
Status clear_the_way(const std::string& path, const std::string& field) {
  struct stat status {};
  if (lstat(path.c_str(), &status) < 0) {
    if (errno == ENOENT) return {};
    return fail_errno("stat");
  }
  if (!S_ISSOCK(status.st_mode))
    return fail("it exists and is not a socket; remove it or use another " + field);
  const auto probe = protocol::connect_unix(path);
  // EAGAIN: somebody listens and has a full backlog. EPROTOTYPE: somebody has a socket of another type there.
  const int answer = probe ? 0 : probe.error().errno_value;
  if (answer == 0 || answer == EAGAIN)
    return fail("another herdd is running on " + path + "; stop it or use another " + field);
  if (answer != ECONNREFUSED) return fail_errno("is another herdd running there? connect", answer);
  if (unlink(path.c_str()) < 0) return fail_errno("remove the stale socket");
  return {};
}

Result<UniqueFd> bind_closed(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket");
  const UmaskGuard nothing_for_anyone(0777);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    return fail_errno("bind");
  return fd;
}

Status open_up(const UniqueFd& fd, const std::string& path, mode_t mode, gid_t gid) {
  // The mode last: a change of owner may clear bits, and the group must be right before it gets any.
  if (gid != static_cast<gid_t>(-1) && lchown(path.c_str(), static_cast<uid_t>(-1), gid) < 0)
    return fail_errno("give it to group " + std::to_string(gid));
  if (chmod(path.c_str(), mode) < 0) return fail_errno("chmod");
  if (listen(fd.get(), kBacklog) < 0) return fail_errno("listen");
  return {};
}

Result<UniqueFd> bind_locked(const std::string& path, mode_t mode, gid_t gid, const SocketPurpose& purpose) {
  HERD_CHECK(clear_the_way(path, purpose.field));
  HERD_TRY(UniqueFd fd, bind_closed(path));
  if (Status opened = open_up(fd, path, mode, gid); !opened) {
    unlink(path.c_str());
    return tl::make_unexpected(std::move(opened).error());
  }
  return fd;
}

}  // namespace

Result<UniqueFd> bind_unix_socket(const std::string& path, mode_t mode, gid_t gid,
                                  const SocketPurpose& purpose) {
  const std::string clause = purpose.what + (" '" + path + "'");
  if (path.empty() || path.size() > protocol::kMaxSocketPath)
    return fail(clause + ": a socket's path must have 1 to 107 bytes; use another control.path");
  const auto lock = PathLock::take(path);
  if (!lock) return fail_in(clause, lock.error());
  auto fd = bind_locked(path, mode, gid, purpose);
  if (!fd) return fail_in(clause, std::move(fd).error());
  return fd;
}

SocketFile file_of(int listener) {
  sockaddr_un address{};
  socklen_t length = sizeof address;
  if (getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) < 0) return {};
  if (address.sun_family != AF_UNIX || length <= offsetof(sockaddr_un, sun_path) ||
      address.sun_path[0] == '\0')
    return {};
  const std::size_t longest = length - offsetof(sockaddr_un, sun_path);
  SocketFile file{std::string(address.sun_path, strnlen(address.sun_path, longest))};
  struct stat status {};
  if (lstat(file.path.c_str(), &status) < 0) return {};
  file.device = status.st_dev;
  file.inode = status.st_ino;
  return file;
}

Status remove_socket(const SocketFile& file) {
  if (file.path.empty()) return {};
  const auto lock = PathLock::take(file.path);
  if (!lock) return tl::make_unexpected(lock.error());
  struct stat status {};
  if (lstat(file.path.c_str(), &status) < 0 || status.st_ino != file.inode || status.st_dev != file.device)
    return {};
  if (unlink(file.path.c_str()) < 0) return fail_errno("remove '" + file.path + "'");
  return {};
}

}  // namespace herd::control
