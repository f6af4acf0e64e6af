// Who may do what: from the peer's uid and groups to a role.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/kernel/user_namespace.hpp"
#include "config/daemon_spec.hpp"
#include "config/pool_spec.hpp"
#include "daemon/control/service.hpp"

namespace herd::daemon {

class Access {
 public:
  explicit Access(config::ControlSpec control, kernel::OwnIds ids = {})
      : control_(std::move(control)), ids_(std::move(ids)) {}

  /// From the next call on. Who is root, the daemon's user or in the socket's group stays.
  void set_roles(config::ControlSpec control) { control_.roles = std::move(control.roles); }
  [[nodiscard]] config::Role role_of(const control::Peer& peer) const;
  /// For messages: "uid 1000", or that nobody can tell.
  [[nodiscard]] std::string describe(const control::Peer& peer) const;
  [[nodiscard]] bool is_client(const control::Peer& peer, const config::ClientsSpec& clients) const;

 private:
  struct Account {
    std::string user;
    std::vector<std::string> groups;
    std::chrono::steady_clock::time_point read;
  };
  /// From the host's user database; kept for a short while, as a look-up may ask a network.
  const Account& account_of(const control::Peer& peer) const;

  config::ControlSpec control_;
  kernel::OwnIds ids_;
  mutable std::map<std::pair<std::uint32_t, std::uint32_t>, Account> accounts_;
};

}  // namespace herd::daemon
