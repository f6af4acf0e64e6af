#include "daemon/denials/audit_socket.hpp"

#include <arpa/inet.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstring>

#include "daemon/denials/record.hpp"

namespace herd::denials {
namespace {

/// Some 10,000 records (the kernel doubles the number): what workers may make before they are held back.
/// While it is more than half full the kernel's audit thread yields after each record, and with it waits
/// whoever has something to record, so more would not be better.
constexpr int kReceiveBuffer = 4 << 20;
constexpr std::size_t kLargest = sizeof(nlmsghdr) + kMaxRecord;

Status pass_only_denials(int fd) {
  std::array program{
      sock_filter BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(nlmsghdr, nlmsg_type)),
      // A packet filter reads big-endian, and a netlink header has the host's order.
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(AUDIT_SECCOMP), 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, 0xffff'ffffU),
      sock_filter BPF_STMT(BPF_RET | BPF_K, 0),
  };
  const sock_fprog filter{program.size(), program.data()};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
    return fail_errno("filter the audit log");
  return {};
}

tl::unexpected<Error> explain(const std::string& what) {
  const int error = errno;
  if (error == EPERM)
    return fail_errno(what + " (it takes CAP_AUDIT_READ over the host's first user namespace)", error);
  if (error == EPROTONOSUPPORT) return fail_errno(what + " (this kernel has no audit)", error);
  return fail_errno(what, error);
}

}  // namespace

AuditSocket::AuditSocket(UniqueFd fd) : fd_(std::move(fd)), buffer_(new char[kLargest]) {}

Result<AuditSocket> AuditSocket::open() {
  UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_AUDIT));
  if (!fd) return explain("open an audit socket");
  HERD_CHECK(pass_only_denials(fd.get()));
  // Beyond net.core.rmem_max only with CAP_NET_ADMIN.
  if (setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) != 0 &&
      setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer) != 0)
    return fail_errno("enlarge the audit socket's buffer");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1U << (AUDIT_NLGRP_READLOG - 1);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return explain("join the audit log's multicast group");
  return AuditSocket(std::move(fd));
}

AuditSocket::Got AuditSocket::receive(std::string_view& text) {
  sockaddr_nl sender{};
  socklen_t length = sizeof sender;
  const ssize_t size =
      recvfrom(fd_.get(), buffer_.get(), kLargest, 0, reinterpret_cast<sockaddr*>(&sender), &length);
  if (size < 0) return errno == ENOBUFS ? Got::lost : errno == EINTR ? Got::other : Got::nothing;
  nlmsghdr header;
  // Whoever has CAP_NET_ADMIN over the host's network can send here, too: the kernel's port is 0.
  if (sender.nl_pid != 0 || static_cast<std::size_t>(size) < sizeof header) return Got::other;
  std::memcpy(&header, buffer_.get(), sizeof header);
  if (header.nlmsg_type != AUDIT_SECCOMP) return Got::other;
  text = {buffer_.get() + sizeof header, static_cast<std::size_t>(size) - sizeof header};
  while (!text.empty() && (text.back() == '\0' || text.back() == '\n')) text.remove_suffix(1);
  return Got::record;
}

std::uint64_t AuditSocket::dropped() const {
  std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd_.get(), SOL_SOCKET, SO_MEMINFO, info.data(), &size) != 0) return 0;
  return info[SK_MEMINFO_DROPS];
}

}  // namespace herd::denials
