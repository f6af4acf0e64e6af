// A worker's output: bytes in, bounded lines out.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace herd::worker {

inline constexpr std::size_t kMaxLine =
    16 * 1024;  // a longer line is cut here; the rest of it is dropped and said

class LineSplitter {
 public:
  using Sink = std::function<void(std::string line, bool cut)>;
  explicit LineSplitter(Sink sink) : sink_(std::move(sink)) {}

  /// Returns how many lines that made.
  std::size_t feed(std::string_view bytes);
  /// The last line, if it had no newline.
  void finish();

 private:
  void emit();
  Sink sink_;
  std::string line_;
  bool cut_ = false;
};

}  // namespace herd::worker
