// A chunked body's framing (RFC 9112 7.1), followed byte by byte, so that the bytes can pass as they came.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace herd::gateway::http {

class Chunked {
 public:
  /// Framing first, then data: of at most one chunk. Both 0: nothing more can be said of these bytes.
  struct Step {
    std::size_t framing = 0, data = 0;
  };
  Step step(std::string_view bytes);

  /// The last chunk's line is over: the trailers come, or the empty line.
  [[nodiscard]] bool is_at_trailers() const { return state_ == State::trailers; }
  [[nodiscard]] bool is_bad() const { return state_ == State::bad; }

 private:
  enum class State {
    size_begins,
    size,
    extension,
    size_line_feed,
    data,
    data_return,
    data_line_feed,
    trailers,
    bad
  };
  void take(char c);
  void take_size(char c);

  State state_ = State::size_begins;
  std::uint64_t left_ = 0;  // of the chunk's data
  std::size_t digits_ = 0, extension_bytes_ = 0;
};

}  // namespace herd::gateway::http
