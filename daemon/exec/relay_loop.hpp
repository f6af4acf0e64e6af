// What the relay does: takes connections from a unix socket, and joins each to one of its own to the worker's
// TCP port. One thread, bounded memory, nothing that it waits for but epoll(7).
#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"
#include "daemon/exec/flow.hpp"

namespace herd::exec {

class RelayLoop {
 public:
  /// Further clients wait in the listener's backlog.
  static constexpr std::size_t kMostConnections = 256;

  /// `listener`: a unix stream socket. `leash`: its end (POLLHUP) says that the worker is gone. Both are the
  /// caller's.
  RelayLoop(int listener, int leash, std::uint16_t port) : listener_(listener), leash_(leash), port_(port) {}

  /// Until the worker is gone and what it had said before has been delivered, or a little time has passed.
  Status run();

 private:
  using Clock = std::chrono::steady_clock;
  struct Connection;
  /// What an event of epoll is about.
  struct End {
    Connection* connection;
    Side side;
  };
  struct Connection {
    End client{this, {}}, worker{this, {}};
    Flow up{client.side, worker.side}, down{worker.side, client.side};
    std::list<Connection>::iterator place;
    bool is_queued = false;
  };

  Status watch(int fd, std::uint32_t events, void* subject) const;
  Status wait_once();
  [[nodiscard]] int timeout_ms() const;
  void note(const epoll_event& event);
  void queue(Connection& connection);
  void pump_queued();
  void pump(Connection& connection);
  void update_accepting();
  void accept_some();
  void join(UniqueFd client);
  [[nodiscard]] UniqueFd connect_to_worker() const;

  int listener_, leash_;
  std::uint16_t port_;
  UniqueFd epoll_;
  std::list<Connection> connections_;
  std::vector<Connection*> queued_;
  Piece scratch_;
  bool is_accepting_ = true;
  std::optional<Clock::time_point> rests_until_, ends_at_;
};

}  // namespace herd::exec
