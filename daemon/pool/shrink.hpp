// When idle workers that nothing needs are stopped: late enough that a pool does not thrash.
#pragma once

#include <optional>

#include "daemon/pool/pool.hpp"

namespace herd::pool {

/// Idle workers beyond what min and spare need are kept this long, as the next sessions often come at once.
inline constexpr Duration kShrinkDelay = std::chrono::seconds(30);

/// Watches the surplus over one delay; only workers that were surplus during all of it may go.
class Shrink {
 public:
  /// Tells the surplus of now; returns how many workers may be stopped.
  int observe(int surplus, Time now);
  void clear();
  /// When observe() should be called next; empty: there is no surplus.
  [[nodiscard]] std::optional<Time> due() const;

 private:
  std::optional<Time> since_;
  int lowest_ = 0;  // since `since_`
};

}  // namespace herd::pool
