#include "common/kernel/seqpacket.hpp"

#include <sys/socket.h>

#include <cstring>

#ifndef SO_PASSRIGHTS  // Linux 6.16
#define SO_PASSRIGHTS 83
#endif

namespace herd::kernel {

Result<std::array<UniqueFd, 2>> seqpacket_pair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) return fail_errno("socketpair");
  return std::array<UniqueFd, 2>{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

void refuse_fds(int socket) {
  const int off = 0;
  setsockopt(socket, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof off);
}

Status send_message(int fd, std::string_view text, std::span<const int> fds) {
  iovec part{const_cast<char*>(text.data()), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxMessageFds)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    if (fds.size() > kMaxMessageFds) return fail_errno("send a message", EINVAL);
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
  }
  while (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    if (errno != EINTR) return fail_errno("send a message");
  }
  return {};
}

Result<std::size_t> next_message_size(int fd) {
  const ssize_t size = recv(fd, nullptr, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
  if (size < 0) return fail_errno("look at a message");
  return static_cast<std::size_t>(size);
}

Result<Message> receive_message(int fd, bool wait) {
  Message received;
  // Not initialised: only the pages that a message fills are touched.
  std::array<char, kMaxMessage> buffer;
  iovec part{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxMessageFds)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t count;
  do {
    count = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    // ECONNRESET: the other side closed with a message of ours unread. It is said once; what it had sent
    // before is still there to be read, and after that the end.
  } while (count < 0 && (errno == EINTR || errno == ECONNRESET));
  if (count < 0) return fail_errno("receive a message");
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t fd_count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < fd_count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      received.fds.emplace_back(number);
    }
  }
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return fail_errno("receive a message", EMSGSIZE);
  received.text.assign(buffer.data(), static_cast<std::size_t>(count));
  return received;
}

}  // namespace herd::kernel
