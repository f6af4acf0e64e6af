#include "daemon/exec/flow.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace herd::exec {

Flow::State Flow::pump(Piece& scratch) {
  constexpr int kPiecesInATurn = 16;  // other connections wait too
  for (int i = 0; i < kPiecesInATurn && !is_done_; ++i) {
    if (to_.is_hung_up) {
      abandon();
    } else if (kept_) {
      if (!to_.is_writable) return State::waiting;
      flush();
    } else if (has_ended_) {
      finish();
    } else {
      if (!from_.is_readable || !to_.is_writable) return State::waiting;
      take_piece(scratch);
    }
  }
  return is_done_ ? State::done : State::busy;
}

bool Flow::sends_in_vain(Piece& scratch) {
  if (!is_abandoned_ || !from_.is_readable) return false;
  from_.is_readable = false;  // either it is the end, or one piece says enough
  return recv(from_.socket.get(), scratch.data(), scratch.size(), 0) > 0;
}

void Flow::take_piece(Piece& scratch) {
  const ssize_t count = recv(from_.socket.get(), scratch.data(), scratch.size(), 0);
  if (count < 0 && errno == EAGAIN) {
    from_.is_readable = false;
    return;
  }
  if (count < 0 && errno == EINTR) return;
  if (count <= 0) {  // a reset is an end too: what came before it is through
    has_ended_ = true;
    return;
  }
  const auto size = static_cast<std::size_t>(count);
  const std::size_t sent = send_some(scratch.data(), size);
  if (sent == size || is_done_) return;
  kept_ = std::make_unique_for_overwrite<Piece>();
  std::copy(scratch.begin() + static_cast<std::ptrdiff_t>(sent), scratch.begin() + count, kept_->begin());
  kept_from_ = 0;
  kept_to_ = size - sent;
}

void Flow::flush() {
  kept_from_ += send_some(kept_->data() + kept_from_, kept_to_ - kept_from_);
  if (kept_from_ == kept_to_) kept_.reset();
}

/// How many bytes were taken. Where it was fewer than there are, the next call finds out whether that was all
/// for now (EAGAIN): only then does an edge tell of room.
std::size_t Flow::send_some(const char* data, std::size_t size) {
  const ssize_t count = send(to_.socket.get(), data, size, MSG_NOSIGNAL);
  if (count >= 0) return static_cast<std::size_t>(count);
  if (errno == EAGAIN) {
    to_.is_writable = false;
  } else if (errno != EINTR) {
    abandon();
  }
  return 0;
}

void Flow::finish() {
  shutdown(to_.socket.get(), SHUT_WR);
  is_done_ = true;
}

void Flow::abandon() {
  kept_.reset();
  shutdown(from_.socket.get(), SHUT_RD);  // a unix socket's peer is told; TCP has no word for it
  is_done_ = is_abandoned_ = true;
}

}  // namespace herd::exec
