#include "daemon/gateway/buffers.hpp"

#include <cstring>
#include <utility>

namespace herd::gateway {
namespace {

constexpr std::size_t kMaxFree = 64;
// Less room than this is worth moving the bytes for.
constexpr std::size_t kLittleRoom = 4U << 10;

}  // namespace

std::unique_ptr<char[]> Buffers::take() {
  if (free_.empty()) return std::make_unique_for_overwrite<char[]>(kSize);
  auto block = std::move(free_.back());
  free_.pop_back();
  return block;
}

void Buffers::give_back(std::unique_ptr<char[]> block) {
  if (free_.size() < kMaxFree) free_.push_back(std::move(block));
}

std::span<char> Buffer::room(Buffers& buffers) {
  if (!block_) {
    block_ = buffers.take();
    capacity_ = Buffers::kSize;
    begin_ = end_ = 0;
  }
  if (begin_ == end_) begin_ = end_ = 0;
  if (capacity_ - end_ < kLittleRoom && begin_ > 0) {
    std::memmove(block_.get(), block_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return {block_.get() + end_, capacity_ - end_};
}

void Buffer::grow_to(std::size_t size, Buffers& buffers) {
  auto larger = std::make_unique_for_overwrite<char[]>(size);
  const std::string_view bytes = view();
  std::memcpy(larger.get(), bytes.data(), bytes.size());
  const std::size_t count = bytes.size();
  if (capacity_ == Buffers::kSize) buffers.give_back(std::move(block_));
  block_ = std::move(larger);
  capacity_ = size;
  begin_ = 0;
  end_ = count;
}

void Buffer::drop(Buffers& buffers) {
  if (block_ && capacity_ == Buffers::kSize) buffers.give_back(std::move(block_));
  block_.reset();
  capacity_ = begin_ = end_ = 0;
}

}  // namespace herd::gateway
