// Whether denied calls can be seen: a record of one is waited for.
#include <linux/audit.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstring>
#include <string_view>

#include "cli/doctor/checks.hpp"
#include "cli/doctor/denied_call.hpp"
#include "common/seccomp/deny_one.hpp"

namespace herd::doctor {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{1};
constexpr const char* kName = "herd-doctor";

Result<UniqueFd> listen_to_audit() {
  UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT));
  if (!fd) return fail_errno("open an audit socket");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1U << (AUDIT_NLGRP_READLOG - 1);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("join the audit log's multicast group");
  return fd;
}

/// True for the record of this process's denied call.
bool read_record(int fd) {
  std::array<char, 16384> buffer;
  const ssize_t size = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < static_cast<ssize_t>(sizeof(nlmsghdr))) return false;
  nlmsghdr header;
  std::memcpy(&header, buffer.data(), sizeof header);
  const std::string_view text(buffer.data(), static_cast<std::size_t>(size));
  return header.nlmsg_type == AUDIT_SECCOMP && text.find(kName) != std::string_view::npos;
}

bool waits_for_record(int fd) {
  const auto deadline = Clock::now() + kPatience;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd entry{fd, POLLIN, 0};
    if (left <= 0 || poll(&entry, 1, static_cast<int>(left)) <= 0) return false;
    if (read_record(fd)) return true;
  }
}

Result<std::string> denials() {
  HERD_TRY(const UniqueFd audit, listen_to_audit());
  prctl(PR_SET_NAME, kName);
  HERD_CHECK(seccomp::deny_one(kDeniedCall, {.log_denials = true}));
  if (!is_getppid_denied()) return fail("the filter did not deny");
  if (!waits_for_record(audit.get())) return fail("no record of a denied call came within a second");
  return std::string("the record of a denied call came");
}

}  // namespace

std::vector<Check> audit_checks() {
  return {
      {.name = "audit records",
       .need = Need::information,
       .needed_for = "seeing denied calls",
       .attempt = denials,
       .remedy = {"give herdd CAP_AUDIT_READ",
                  "run herdd in the host's network namespace, on a kernel with CONFIG_AUDIT, with errno and "
                  "log in sysctl kernel.seccomp.actions_logged"}}};
}

}  // namespace herd::doctor
