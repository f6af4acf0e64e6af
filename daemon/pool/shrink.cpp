#include "daemon/pool/shrink.hpp"

#include <algorithm>

#include "daemon/pool/saturate.hpp"

namespace herd::pool {

int Shrink::observe(int surplus, Time now) {
  if (surplus <= 0) {
    clear();
    return 0;
  }
  if (!since_) {
    since_ = now;
    lowest_ = surplus;
  }
  lowest_ = std::min(lowest_, surplus);
  if (after(*since_, kShrinkDelay) > now) return 0;
  const int stopped = lowest_;
  clear();
  if (surplus > stopped) {
    since_ = now;
    lowest_ = surplus - stopped;
  }
  return stopped;
}

void Shrink::clear() {
  since_.reset();
  lowest_ = 0;
}

std::optional<Time> Shrink::due() const {
  if (!since_) return std::nullopt;
  return after(*since_, kShrinkDelay);
}

}  // namespace herd::pool
