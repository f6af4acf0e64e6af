// A pool of fast HTTP workers behind herd-gateway, with sessions that have their workers already.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/herdd.hpp"
#include "tests/bench/peers.hpp"

namespace herd::bench {

struct ProxiedSession {
  std::string name;
  pid_t worker = 0;
};

/// A request of `session`; `more` is fields, each with its line's end.
std::string session_request(const std::string& method, const std::string& target, const std::string& session,
                            const std::string& more = {});

class ProxiedPool {
 public:
  /// `name` as Herdd's; `pool` is merged into the pool's file.
  static Result<ProxiedPool> start(const Place& place, const std::string& name, int sessions,
                                   const nlohmann::json& pool = nlohmann::json::object());

  [[nodiscard]] const Herdd& daemon() const { return daemon_; }
  /// herd-gateway.
  [[nodiscard]] const Proxy& proxy() const { return proxy_; }
  [[nodiscard]] const std::vector<ProxiedSession>& sessions() const { return sessions_; }
  /// For the peers.
  [[nodiscard]] const Backend& backend() const { return backend_; }

 private:
  explicit ProxiedPool(Herdd daemon) : daemon_(std::move(daemon)) {}
  Status begin_sessions(Client& client, int count);
  Herdd daemon_;
  Proxy proxy_;
  Backend backend_;
  std::vector<ProxiedSession> sessions_;
};

}  // namespace herd::bench
