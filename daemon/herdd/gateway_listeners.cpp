#include "daemon/herdd/gateway_listeners.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "daemon/control/listener.hpp"

namespace herd::daemon {
namespace {

constexpr int kConnectionBacklog = 4096;
constexpr std::string_view kUnixPrefix = "unix:";
constexpr mode_t kOpenToAll = 0666;  // as a port is
constexpr control::SocketPurpose kPurpose{"gateway's socket", "gateway.listen"};

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};

Result<UniqueFd> listen_on(const addrinfo& address) {
  UniqueFd socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("socket");
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.ai_family == AF_INET6) setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(socket.get(), address.ai_addr, address.ai_addrlen) != 0) return fail_errno("bind");
  if (listen(socket.get(), kConnectionBacklog) != 0) return fail_errno("listen");
  return socket;
}

/// "HOST:PORT" or "[HOST]:PORT", as the configuration has checked it.
Result<UniqueFd> listen_on_port(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  std::string host = text.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), text.c_str() + colon + 1, &wanted, &found); error != 0)
    return fail("host '" + host + "': " + gai_strerror(error));
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  return listen_on(*addresses);
}

}  // namespace

GatewayListeners::~GatewayListeners() {
  adopt({});
}

Result<GatewayListeners::Sockets> GatewayListeners::open(const std::vector<std::string>& wanted) const {
  Sockets sockets;
  for (const std::string& address : wanted) {
    if (const auto there = sockets_.find(address); there != sockets_.end()) {
      sockets.insert(*there);
      continue;
    }
    const bool is_unix = address.starts_with(kUnixPrefix);
    auto socket = is_unix ? control::bind_unix_socket(address.substr(kUnixPrefix.size()), kOpenToAll,
                                                      static_cast<gid_t>(-1), kPurpose)
                          : listen_on_port(address);
    if (!socket) return fail_in("gateway.listen '" + address + "'", socket.error());
    sockets.emplace(address, std::make_shared<const UniqueFd>(std::move(*socket)));
  }
  return sockets;
}

void GatewayListeners::adopt(Sockets sockets) {
  for (const auto& [address, socket] : sockets_)
    if (address.starts_with(kUnixPrefix) && !sockets.contains(address))
      (void)control::remove_socket(control::file_of(socket->get()));
  sockets_ = std::move(sockets);
}

std::string bound_address(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "";
  if (address.ss_family == AF_UNIX) return "unix:" + control::file_of(socket).path;
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return "";
  const bool is_v6 = address.ss_family == AF_INET6;
  return "tcp:" + (is_v6 ? "[" + std::string(host) + "]" : std::string(host)) + ":" + port;
}

}  // namespace herd::daemon
