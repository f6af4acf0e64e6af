#include "daemon/gateway/worker_place.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <charconv>
#include <cstring>
#include <string_view>

namespace herd::gateway {
namespace {

constexpr std::string_view kTcp = "tcp:127.0.0.1:", kUnix = "unix:";

}  // namespace

Result<std::shared_ptr<const WorkerPlace>> worker_place(const std::string& address, UniqueFd path) {
  auto place = std::make_shared<WorkerPlace>();
  if (address.starts_with(kTcp)) {
    std::uint16_t port = 0;
    const char* end = address.data() + address.size();
    if (std::from_chars(address.data() + kTcp.size(), end, port).ptr != end || port == 0)
      return fail("a worker's address '" + address + "' has no port");
    auto& tcp = reinterpret_cast<sockaddr_in&>(place->address);
    tcp.sin_family = AF_INET;
    tcp.sin_port = htons(port);
    tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    place->size = sizeof tcp;
    return place;
  }
  if (!address.starts_with(kUnix) || !path) return fail("a worker's address '" + address + "' leads nowhere");
  // Its directory need not be in the gateway's own root, and may not be open to it.
  const std::string name = "/proc/self/fd/" + std::to_string(path.get());
  auto& local = reinterpret_cast<sockaddr_un&>(place->address);
  local.sun_family = AF_UNIX;
  std::memcpy(local.sun_path, name.c_str(), name.size() + 1);
  place->size = sizeof local;
  place->path = std::move(path);
  return place;
}

}  // namespace herd::gateway
