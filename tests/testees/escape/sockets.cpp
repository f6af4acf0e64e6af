// Every family of sockets, and the host's loopback.
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "tests/testees/escape/attacks.hpp"
#include "tests/testees/support.hpp"

namespace escape {

namespace {

using testee::outcome;

constexpr int kHighestFamily = 63;  // AF_MAX grows now and then

std::string opens_family(int family) {
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_RDM})
    if (::socket(family, type, 0) >= 0) return "ok: type " + std::to_string(type);
  return outcome(-1);
}

std::string reaches_the_host(const Target& target) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(target.host_port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  return outcome(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

}  // namespace

std::vector<Attack> socket_attacks() {
  std::vector<Attack> attacks{{"host_loopback", reaches_the_host}};
  for (int family = 0; family <= kHighestFamily; ++family)
    attacks.push_back(
        {"family_" + std::to_string(family), [family](const Target&) { return opens_family(family); }});
  for (int protocol = 0; protocol < MAX_LINKS; ++protocol)
    attacks.push_back({"netlink_" + std::to_string(protocol), [protocol](const Target&) {
                         return outcome(::socket(AF_NETLINK, SOCK_RAW, protocol));
                       }});
  for (const int family : {AF_INET, AF_INET6})
    attacks.push_back({"raw_" + std::to_string(family),
                       [family](const Target&) { return outcome(::socket(family, SOCK_RAW, IPPROTO_RAW)); }});
  return attacks;
}

}  // namespace escape
