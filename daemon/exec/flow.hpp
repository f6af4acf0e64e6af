// One direction of a relayed connection: bytes from one socket to the other, no more of them kept than fit
// into one piece. Nothing waits here; epoll(7) says when to go on.
#pragma once

#include <array>
#include <memory>

#include "common/unique_fd.hpp"

namespace herd::exec {

constexpr std::size_t kPiece = 32 * 1024;
using Piece = std::array<char, kPiece>;

/// One of a connection's two sockets, non-blocking. Each edge that epoll reports sets a mark; EAGAIN takes it
/// away again.
struct Side {
  UniqueFd socket;
  bool is_readable = false, is_writable = false;
  bool is_hung_up = false;  // what is sent there reaches nobody any more
};

class Flow {
 public:
  enum class State { waiting, busy, done };

  /// Both sides outlive it.
  Flow(Side& from, Side& to) : from_(from), to_(to) {}

  /// Moves what can be moved now, but no more than a turn's worth: busy if there may be more. What the end of
  /// `from` means for `to` is passed on (a half-close), and what `to` no longer takes is told to `from`.
  /// `scratch` is anybody's between two calls.
  State pump(Piece& scratch);
  /// True where `to` was gone before `from` had said all, and `from` has gone on sending.
  bool sends_in_vain(Piece& scratch);

 private:
  void take_piece(Piece& scratch);
  void flush();
  std::size_t send_some(const char* data, std::size_t size);
  void finish();
  void abandon();

  Side &from_, &to_;
  std::unique_ptr<Piece> kept_;  // what `to` did not take yet; there only then
  std::size_t kept_from_ = 0, kept_to_ = 0;
  bool has_ended_ = false, is_done_ = false, is_abandoned_ = false;
};

}  // namespace herd::exec
