#include "daemon/gateway/flow.hpp"

#include <algorithm>
#include <array>

namespace herd::gateway {

void Flow::set(const http::Body::Piece& piece) {
  input.consume(piece.before);
  pass_ = piece.pass;
  behind_ = piece.behind;
  if (pass_ == 0) input.consume(std::exchange(behind_, 0));
}

Flow::Sent Flow::flush(Channel& to) {
  if (is_flushed()) return Sent::all;
  if (!to.is_writable()) return Sent::blocked;
  std::array<iovec, 3> parts;
  std::size_t count = 0;
  const auto add = [&](const char* data, std::size_t size) {
    if (size > 0) parts[count++] = {const_cast<char*>(data), size};
  };
  add(head.data() + head_sent_, head.size() - head_sent_);
  add(input.view().data(), pass_);
  add(tail.data() + tail_sent_, tail.size() - tail_sent_);
  const auto gone = to.send({parts.data(), count});
  if (!gone) return Sent::broken;
  sent(*gone);
  return is_flushed() ? Sent::all : Sent::blocked;
}

void Flow::sent(std::size_t count) {
  moved_ += count;
  const auto take = [&](std::size_t most) {
    const std::size_t taken = std::min(most, count);
    count -= taken;
    return taken;
  };
  head_sent_ += take(head.size() - head_sent_);
  const std::size_t passed = take(pass_);
  input.consume(passed);
  pass_ -= passed;
  count_ += passed;
  if (pass_ == 0) input.consume(std::exchange(behind_, 0));
  tail_sent_ += take(tail.size() - tail_sent_);
}

void Flow::clear_text() {
  head.clear();
  tail.clear();
  head_sent_ = tail_sent_ = 0;
}

void Flow::clear(Buffers& buffers) {
  clear_text();
  pass_ = behind_ = 0;
  input.drop(buffers);
}

}  // namespace herd::gateway
