// Network namespaces made ahead of the starts that use them: the kernel takes half a millisecond for one, and
// longer while it takes others apart.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::worker {

/// A thread of its own makes them, in the daemon's user namespace. Nothing is made before the first of a kind
/// is asked for, and what is in stock ends with this object.
class NetworkStock {
 public:
  enum class Kind { bare, loopback };  // the loopback interface is down, or up
  /// At most so many of a kind are kept: each holds some 0.2 MB of the kernel's memory (measured,
  /// Linux 6.18). They are made again once half of them are taken, so that most starts don't share the
  /// processors with the making of the next one.
  static constexpr std::size_t kMost = 8;

  /// Throws std::system_error, as std::thread does.
  NetworkStock();
  /// Nobody may be in take() any more.
  ~NetworkStock();
  NetworkStock(const NetworkStock&) = delete;
  NetworkStock& operator=(const NetworkStock&) = delete;

  /// Any thread but the stock's own. One that nobody else has had or will get; it lives by this fd and by the
  /// processes in it. Waits for the kernel where none is in stock. Errors: what the last attempt failed with;
  /// the next call tries again.
  Result<UniqueFd> take(Kind kind);

 private:
  struct Shelf {
    std::vector<UniqueFd> ready;
    bool is_filling = false;
    std::uint64_t failures = 0;
    Error last_failure;
  };
  void run();
  Result<UniqueFd> make(bool loopback_up);
  Status limit_own_thread();
  void fill_below_half(Shelf& shelf);  // with the mutex held
  Shelf* next_to_fill();
  void put(Shelf& shelf, Result<UniqueFd> made);

  std::mutex mutex_;
  std::condition_variable work_, made_;
  std::array<Shelf, 2> shelves_;  // by kind
  bool stopping_ = false;
  bool has_left_host_ = false;  // the thread's alone
  std::thread thread_;
};

}  // namespace herd::worker
