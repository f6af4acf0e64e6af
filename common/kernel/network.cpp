#include "common/kernel/network.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

namespace herd::kernel {
namespace {

Result<UniqueFd> open_own_namespace() {
  UniqueFd fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open '/proc/thread-self/ns/net'");
  return fd;
}

Result<UniqueFd> open_new_namespace(bool loopback_up) {
  if (loopback_up) HERD_CHECK(bring_loopback_up());
  return open_own_namespace();
}

}  // namespace

Status bring_loopback_up() {
  const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket");
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (ioctl(fd.get(), SIOCSIFFLAGS, &request) != 0) return fail_errno("bring the loopback interface up");
  return {};
}

Status enter_new_network_namespace() {
  if (unshare(CLONE_NEWNET) == 0) return {};
  return fail_errno(errno == ENOSPC ? "unshare (user.max_net_namespaces are in use)" : "unshare");
}

Result<UniqueFd> make_network_namespace(bool loopback_up) {
  HERD_TRY(const UniqueFd own, open_own_namespace());
  HERD_CHECK(enter_new_network_namespace());
  auto made = open_new_namespace(loopback_up);
  if (setns(own.get(), CLONE_NEWNET) != 0) return fail_errno("go back");
  return made;
}

}  // namespace herd::kernel
