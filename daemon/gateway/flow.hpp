// Bytes on their way from one socket to another: text of the gateway's own, a run of the bytes that came,
// text again. All of it goes out in one call where the socket takes it.
#pragma once

#include <string>

#include "daemon/gateway/buffers.hpp"
#include "daemon/gateway/channel.hpp"
#include "daemon/gateway/http/body.hpp"

namespace herd::gateway {

class Flow {
 public:
  /// More reads than that are not made in one turn: two fast ends would keep the thread to themselves.
  static constexpr int kReadsOfATurn = 16;

  enum class Sent { all, blocked, broken };

  Buffer input;      // what came; the run is its beginning
  std::string head;  // before the run
  std::string tail;  // behind it

  /// The next bytes of the input that are to go out. Nothing else may be on its way.
  void set(const http::Body::Piece& piece);
  Sent flush(Channel& to);
  /// Bytes that were sent of the input, since the last call.
  std::uint64_t take_count() { return std::exchange(count_, 0); }
  /// All bytes that were sent, ever.
  [[nodiscard]] std::uint64_t moved() const { return moved_; }
  [[nodiscard]] bool is_flushed() const {
    return head_sent_ == head.size() && pass_ == 0 && tail_sent_ == tail.size();
  }
  [[nodiscard]] bool has_run() const { return pass_ > 0; }
  [[nodiscard]] bool has_sent() const { return head_sent_ > 0; }
  /// The head goes out once more, for another receiver.
  void rewind() { head_sent_ = 0; }
  /// What was to go out of the input is not, and is no longer there.
  void drop_run() { set({pass_ + behind_, 0, 0}); }
  void clear_text();
  void clear(Buffers& buffers);

 private:
  void sent(std::size_t count);

  std::size_t head_sent_ = 0, pass_ = 0, behind_ = 0, tail_sent_ = 0;
  std::uint64_t count_ = 0, moved_ = 0;
};

}  // namespace herd::gateway
