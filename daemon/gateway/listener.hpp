// A listening socket on one thread's loop. All threads wait on the same one; the kernel wakes one of them.
#pragma once

#include "daemon/gateway/loop.hpp"

namespace herd::gateway {

class Server;

class Listener final : public Watcher {
 public:
  Listener(Server& server, UniqueFd socket) : server_(server), socket_(std::move(socket)) {}

  Status open();
  void close();
  void on_events(std::uint32_t events) override;
  /// Goes on where accepting had to pause.
  void tick();
  [[nodiscard]] bool is_paused() const { return is_paused_; }

 private:
  Server& server_;
  UniqueFd socket_;
  bool is_paused_ = false;
};

}  // namespace herd::gateway
