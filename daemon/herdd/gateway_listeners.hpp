// The sockets that gateways take connections on. They are the daemon's, so that no client is refused while a
// gateway is replaced: it waits in the socket's backlog.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::daemon {

class GatewayListeners {
 public:
  using Socket = std::shared_ptr<const UniqueFd>;
  using Sockets = std::map<std::string, Socket>;  // by the address as the file has it

  ~GatewayListeners();
  GatewayListeners() = default;
  GatewayListeners(const GatewayListeners&) = delete;
  GatewayListeners& operator=(const GatewayListeners&) = delete;

  /// Those of `wanted`: the ones that there are already, and new ones. Nothing is changed; an error names the
  /// address that can't be had.
  [[nodiscard]] Result<Sockets> open(const std::vector<std::string>& wanted) const;
  /// From now on it is these. The file of a unix socket that is not among them is removed.
  void adopt(Sockets sockets);
  [[nodiscard]] const Sockets& sockets() const { return sockets_; }

 private:
  Sockets sockets_;
};

/// What clients can use: "tcp:127.0.0.1:8080", with the port that the kernel chose, or "unix:/path".
std::string bound_address(int socket);

}  // namespace herd::daemon
