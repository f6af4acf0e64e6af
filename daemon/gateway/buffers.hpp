// The buffers of a thread's connections: taken when bytes come, given back when they have passed, so that a
// connection on which nothing happens has none.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace herd::gateway {

class Buffers {
 public:
  static constexpr std::size_t kSize = std::size_t{32} << 10;

  std::unique_ptr<char[]> take();
  void give_back(std::unique_ptr<char[]> block);

 private:
  std::vector<std::unique_ptr<char[]>> free_;
};

/// Bytes that came and have not passed yet, in one piece.
class Buffer {
 public:
  [[nodiscard]] std::string_view view() const { return {block_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] bool is_empty() const { return begin_ == end_; }
  /// Room behind the bytes; takes a block where there is none and moves the bytes where they are in the way.
  /// Empty: it is full.
  std::span<char> room(Buffers& buffers);
  void came(std::size_t count) { end_ += count; }
  void consume(std::size_t count) { begin_ += count; }
  /// Makes a full buffer larger, for a head that may be.
  void grow_to(std::size_t size, Buffers& buffers);
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  /// Without the block, where it has no bytes.
  void rest(Buffers& buffers) {
    if (begin_ == end_) drop(buffers);
  }
  void drop(Buffers& buffers);

 private:
  std::unique_ptr<char[]> block_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace herd::gateway
