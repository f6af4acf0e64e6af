// SIGTERM, as a file on the main thread's loop.
#pragma once

#include <functional>

#include "daemon/gateway/loop.hpp"

namespace herd::gateway {

class Signals final : public Watcher {
 public:
  explicit Signals(UniqueFd fd) : fd_(std::move(fd)) {}
  /// Blocks the signal in this thread and those that it starts.
  static Result<UniqueFd> block();
  Status open(Loop& loop, std::function<void()> on_term);
  void on_events(std::uint32_t events) override;

 private:
  UniqueFd fd_;
  std::function<void()> on_term_;
};

}  // namespace herd::gateway
