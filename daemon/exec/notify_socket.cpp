#include "daemon/exec/notify_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string_view>

#include "common/kernel/files.hpp"
#include "common/kernel/seqpacket.hpp"
#include "protocol/worker/environment.hpp"

namespace herd::exec {
namespace {

constexpr std::size_t kMaxDatagram = 4096;
constexpr std::size_t kMaxStatus = 256;

/// Fds that a sender attached would stay open here: close them, or have the only one there is. A socket that
/// lingers would make close(2) wait, and with it all that herd-exec does, so it is told not to.
UniqueFd take_rights(msghdr& message, bool wants_one) {
  UniqueFd taken;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      const linger at_once{0, 0};
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      UniqueFd one(fd);
      if (wants_one && count == 1) taken = std::move(one);
    }
  }
  return taken;
}

}  // namespace

Result<NotifySocket> NotifySocket::bind_at(const std::string& path, bool takes_listener) {
  HERD_CHECK(kernel::make_directories(path.substr(0, path.rfind('/')), 0755));
  UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("notify socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail_errno("notify socket '" + path + "'", ENAMETOOLONG);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (!takes_listener) kernel::refuse_fds(fd.get());
  const int on = 1;  // before bind, so that no datagram comes without its sender's pid
  if (setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) return fail_errno("SO_PASSCRED");
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("bind notify socket '" + path + "'");
  if (chmod(path.c_str(), 0666) != 0) return fail_errno("chmod notify socket '" + path + "'");
  return NotifySocket(std::move(fd), takes_listener);
}

void NotifySocket::take_no_more_listeners() {
  takes_listener_ = false;
  kernel::refuse_fds(fd_.get());
}

bool NotifySocket::read(Notice& notice) const {
  std::array<char, kMaxDatagram> buffer;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int) * 253)> control{};
  iovec part{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t count = recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (count < 0) return false;
  UniqueFd passed = take_rights(message, takes_listener_);
  notice = {};
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS) continue;
    ucred sender{};
    std::memcpy(&sender, CMSG_DATA(header), sizeof sender);
    notice.sender = sender.pid;
  }
  std::string_view text(buffer.data(), static_cast<std::size_t>(count));
  if (text == protocol::kListenerMessage) notice.listener = std::move(passed);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (line == "READY=1") notice.ready = true;
    if (line.starts_with("STATUS=")) notice.status = line.substr(7, kMaxStatus);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

}  // namespace herd::exec
