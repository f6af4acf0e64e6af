// The line to herdd, on the main thread's loop.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "daemon/gateway/loop.hpp"
#include "protocol/gateway/line.hpp"

namespace herd::gateway {

class Line final : public Watcher {
 public:
  /// `fd`: of its message, or none.
  using OnMessage = std::function<void(ToGateway message, UniqueFd fd)>;
  using OnEnd = std::function<void(const std::string& why)>;

  Line(Loop& loop, UniqueFd socket) : loop_(loop), socket_(std::move(socket)) {}

  /// Waits for the first message, which is Configure.
  Result<Settings> read_settings();
  Status open(OnMessage on_message, OnEnd on_end);
  void send(const FromGateway& message, UniqueFd fd = {});
  void on_events(std::uint32_t events) override;

 private:
  struct Outgoing {
    std::string text;
    UniqueFd fd;
  };
  void read();
  void flush();
  void end(const std::string& why);

  Loop& loop_;
  UniqueFd socket_;
  std::deque<Outgoing> outgoing_;
  OnMessage on_message_;
  OnEnd on_end_;
};

/// The settings in a Configure's memfd.
Result<Settings> settings_of(const UniqueFd& memfd);

}  // namespace herd::gateway
