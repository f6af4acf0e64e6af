#include "daemon/gateway/http/chunked.hpp"

#include <algorithm>

#include "daemon/gateway/http/characters.hpp"

namespace herd::gateway::http {
namespace {

constexpr std::size_t kMaxDigits = 16;
constexpr std::size_t kMaxExtension = 256;

}  // namespace

void Chunked::take_size(char c) {
  if (const int value = hex_value(c); value >= 0) {
    left_ = left_ * 16 + static_cast<std::uint64_t>(value);
    state_ = ++digits_ > kMaxDigits ? State::bad : State::size;
  } else if (state_ == State::size_begins) {
    state_ = State::bad;
  } else if (c == '\r') {
    state_ = State::size_line_feed;
  } else if (c == ';') {
    extension_bytes_ = 0;
    state_ = State::extension;
  } else {
    state_ = State::bad;
  }
}

void Chunked::take(char c) {
  switch (state_) {
    case State::size_begins:
    case State::size:
      return take_size(c);
    case State::extension:
      if (c == '\r') {
        state_ = State::size_line_feed;
      } else if (!is(c, kValueCharacter) || ++extension_bytes_ > kMaxExtension) {
        state_ = State::bad;
      }
      return;
    case State::size_line_feed:
      if (c != '\n') {
        state_ = State::bad;
      } else {
        state_ = left_ == 0 ? State::trailers : State::data;
      }
      return;
    case State::data_return:
      state_ = c == '\r' ? State::data_line_feed : State::bad;
      return;
    case State::data_line_feed:
      state_ = c == '\n' ? State::size_begins : State::bad;
      left_ = digits_ = 0;
      return;
    case State::data:
    case State::trailers:
    case State::bad:
      return;
  }
}

Chunked::Step Chunked::step(std::string_view bytes) {
  Step step;
  while (step.framing < bytes.size() && state_ != State::data && state_ != State::trailers &&
         state_ != State::bad)
    take(bytes[step.framing++]);
  if (state_ != State::data) return step;
  step.data = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - step.framing));
  left_ -= step.data;
  if (left_ == 0) state_ = State::data_return;
  return step;
}

}  // namespace herd::gateway::http
