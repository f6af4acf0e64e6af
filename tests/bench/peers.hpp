// The proxies that herd-gateway is held against: each one process with one thread, in front of the same
// workers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/peer_cgroup.hpp"
#include "tests/bench/place.hpp"
#include "tests/bench/process.hpp"

namespace herd::bench {

/// One of those that are measured. Listens on 127.0.0.1.
struct Proxy {
  std::string name;
  std::uint16_t port = 0;
  pid_t pid = 0;
};

/// One that the kernel chose, and that nobody has now.
Result<std::uint16_t> free_port();

/// What a proxy stands in front of.
struct Backend {
  std::vector<std::string> workers;  // their unix sockets
  std::string cgroup_root;           // of the herdd whose they are
};

class Peer {
 public:
  /// The session is X-Session-ID.
  static Result<Peer> start_haproxy(const Place& place, const Backend& backend);
  static Result<Peer> start_nginx(const Place& place, const Backend& backend);

  [[nodiscard]] Proxy proxy() const { return {name_, port_, process_.pid()}; }

 private:
  Peer(std::string name, std::uint16_t port, PeerCgroup cgroup, Child process)
      : name_(std::move(name)), port_(port), cgroup_(std::move(cgroup)), process_(std::move(process)) {}
  static Result<Peer> start(const Place& place, const Backend& backend, const std::string& name,
                            std::uint16_t port, std::vector<std::string> command);
  std::string name_;
  std::uint16_t port_;
  PeerCgroup cgroup_;
  Child process_;  // ends before its cgroup is removed
};

}  // namespace herd::bench
