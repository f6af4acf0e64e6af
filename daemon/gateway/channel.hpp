// A stream socket that never waits, watched edge-triggered: it remembers what it can do, so that neither a
// read nor a write is tried in vain.
#pragma once

#include <sys/uio.h>

#include <optional>
#include <span>

#include "daemon/gateway/loop.hpp"

namespace herd::gateway {

class Channel {
 public:
  enum class Got { bytes, nothing, end, broken };
  struct Received {
    Got got;
    std::size_t count = 0;
  };

  Status open(Loop& loop, UniqueFd socket, Watcher& watcher);
  void close();
  /// Closes so that the other side learns that something was lost.
  void reset();
  [[nodiscard]] bool is_open() const { return static_cast<bool>(socket_); }
  [[nodiscard]] int fd() const { return socket_.get(); }

  void note(std::uint32_t events);
  Received receive(std::span<char> room);
  /// Less than all: the rest once it is writable again. Nothing: the connection is broken.
  std::optional<std::size_t> send(std::span<iovec> parts);
  void end_sending();

  [[nodiscard]] bool is_readable() const { return is_readable_; }
  [[nodiscard]] bool is_writable() const { return is_writable_; }
  /// The other side has closed, or at least will send no more.
  [[nodiscard]] bool has_hung_up() const { return has_hung_up_; }
  void wait_until_writable();

 private:
  Loop* loop_ = nullptr;
  Watcher* watcher_ = nullptr;
  UniqueFd socket_;
  bool is_readable_ = false, is_writable_ = true, has_hung_up_ = false;
  bool watches_writing_ = false;
};

}  // namespace herd::gateway
