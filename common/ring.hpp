// A bounded memory of what happened, with readers that follow it: the event log and each worker's output
// lines. A reader that fell behind is told how much it lost. Single-threaded: the daemon's loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace herd {

template <typename T>
class Ring {
 public:
  /// What is kept: at most `max_items`, and at most `max_bytes` as their appenders counted them.
  Ring(std::size_t max_items, std::size_t max_bytes) : max_items_(max_items), max_bytes_(max_bytes) {}

  struct Slice {
    std::uint64_t lost = 0;   // how many after `since` are no longer here
    std::uint64_t first = 0;  // number of items[0]
    std::vector<T> items;
  };

  /// Returns the item's number; numbers start at 1 and never repeat.
  std::uint64_t append(T item, std::size_t bytes) {
    items_.emplace_back(std::move(item), bytes);
    bytes_ += bytes;
    while (items_.size() > max_items_ || (bytes_ > max_bytes_ && items_.size() > 1)) {
      bytes_ -= items_.front().second;
      items_.pop_front();
    }
    const std::uint64_t number = ++last_;
    // A listener may subscribe or go while it is called: walk by key.
    for (auto it = listeners_->begin(); it != listeners_->end();) {
      const std::uint64_t key = it->first;
      const auto listener = it->second;
      listener();
      it = listeners_->upper_bound(key);
    }
    return number;
  }

  /// The items after number `since`, oldest first, `max` at most.
  [[nodiscard]] Slice read(std::uint64_t since, std::size_t max) const {
    Slice slice;
    const std::uint64_t oldest = last_ - items_.size() + 1;
    const std::uint64_t from = since + 1 < oldest ? oldest : since + 1;
    slice.lost = from - (since + 1);
    slice.first = from;
    for (std::uint64_t number = from; number <= last_ && slice.items.size() < max; ++number)
      slice.items.push_back(items_[static_cast<std::size_t>(number - oldest)].first);
    return slice;
  }

  [[nodiscard]] std::uint64_t last() const { return last_; }

  /// Ends with its own life, also after the ring's.
  class Subscription {
   public:
    Subscription() = default;
    Subscription(Subscription&&) noexcept = default;
    Subscription& operator=(Subscription&& other) noexcept {
      end();
      listeners_ = std::move(other.listeners_);
      key_ = other.key_;
      return *this;
    }
    ~Subscription() { end(); }

   private:
    friend class Ring;
    using Listeners = std::map<std::uint64_t, std::function<void()>>;
    Subscription(std::weak_ptr<Listeners> listeners, std::uint64_t key)
        : listeners_(std::move(listeners)), key_(key) {}
    void end() {
      if (auto listeners = listeners_.lock()) listeners->erase(key_);
      listeners_.reset();
    }
    std::weak_ptr<Listeners> listeners_;
    std::uint64_t key_ = 0;
  };

  /// `listener` is called after each append, and must not append itself.
  [[nodiscard]] Subscription subscribe(std::function<void()> listener) {
    const std::uint64_t key = ++next_key_;
    listeners_->emplace(key, std::move(listener));
    return Subscription(listeners_, key);
  }

 private:
  std::size_t max_items_, max_bytes_, bytes_ = 0;
  std::deque<std::pair<T, std::size_t>> items_;
  std::uint64_t last_ = 0, next_key_ = 0;
  std::shared_ptr<typename Subscription::Listeners> listeners_ =
      std::make_shared<typename Subscription::Listeners>();
};

}  // namespace herd
