#include "daemon/worker/listener.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <sstream>

#include "common/kernel/files.hpp"

namespace herd::worker {
namespace {

constexpr int kBacklog = 512;
constexpr std::size_t kMaxSocketTable = 64 << 20;

Result<UniqueFd> bound_to_loopback(std::uint16_t& port) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("bind 127.0.0.1");
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return fail_errno("getsockname");
  port = ntohs(address.sin_port);
  return fd;
}

/// Inodes of the sockets that listen on `port`, from the text of /proc/PID/net/tcp or tcp6.
void collect_listeners(const std::string& table, std::uint16_t port, std::set<std::string>& inodes) {
  constexpr const char* kListenState = "0A";
  std::istringstream lines(table);
  std::string line;
  std::getline(lines, line);  // the heading
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
    words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >> inode;
    const std::size_t colon = local.rfind(':');
    if (state != kListenState || colon == std::string::npos) continue;
    if (std::stoul(local.substr(colon + 1), nullptr, 16) == port) inodes.insert(inode);
  }
}

bool holds_one_of(int pid, const std::set<std::string>& inodes) {
  std::error_code error;  // a process that ended meanwhile holds nothing
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", error)) {
    const std::string target = std::filesystem::read_symlink(entry.path(), error).string();
    if (error || !target.starts_with("socket:[")) continue;
    if (inodes.contains(target.substr(8, target.size() - 9))) return true;
  }
  return false;
}

}  // namespace

Result<Listener> listen_unix(const std::string& path, const SocketAccess& access, int type) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail_errno("socket path '" + path + "' (herd.json: runtime_directory)", ENAMETOOLONG);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket");
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("remove '" + path + "'");
  // bind(2) makes the file as open as fchmod on the socket says (unix(7)), so it is never more open than
  // this.
  if (fchmod(fd.get(), access.mode) != 0) return fail_errno("chmod '" + path + "'");
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("bind '" + path + "'");
  if (chown(path.c_str(), static_cast<uid_t>(-1), access.group) != 0)
    return fail_errno("chown '" + path + "'");
  if (chmod(path.c_str(), access.mode) != 0)
    return fail_errno("chmod '" + path + "'");  // what the umask took
  if (listen(fd.get(), kBacklog) != 0) return fail_errno("listen on '" + path + "'");
  return Listener{std::move(fd), "unix:" + path};
}

Result<Listener> listen_tcp() {
  std::uint16_t port = 0;
  HERD_TRY(UniqueFd fd, bound_to_loopback(port));
  if (listen(fd.get(), kBacklog) != 0) return fail_errno("listen on 127.0.0.1");
  return Listener{std::move(fd), "tcp:127.0.0.1:" + std::to_string(port)};
}

Result<std::uint16_t> pick_port(const std::set<std::uint16_t>& given) {
  constexpr int kTries = 64;
  for (int i = 0; i < kTries; ++i) {
    std::uint16_t port = 0;
    HERD_TRY(const UniqueFd fd, bound_to_loopback(port));
    if (!given.contains(port)) return port;
  }
  return fail("no free port on 127.0.0.1");
}

Result<bool> is_listener_of(const kernel::WorkerCgroup& cgroup, pid_t pid, std::uint16_t port) {
  std::set<std::string> inodes;
  const std::string net = "/proc/" + std::to_string(pid) + "/net/";
  HERD_TRY(const std::string tcp, kernel::read_file(net + "tcp", kMaxSocketTable));
  collect_listeners(tcp, port, inodes);
  if (const auto tcp6 = kernel::read_file(net + "tcp6", kMaxSocketTable))
    collect_listeners(*tcp6, port, inodes);
  HERD_TRY(const auto processes, cgroup.processes());
  for (const int process : processes)
    if (holds_one_of(process, inodes)) return true;
  return false;
}

}  // namespace herd::worker
