// Times that stop at the end of the clock instead of wrapping: a timeout may be as long as a client likes.
#pragma once

#include "daemon/pool/pool.hpp"

namespace herd::pool {

/// `time + duration`; Time::max(), which no deadline ever reaches, where that lies past the clock's end.
inline Time after(Time time, Duration duration) {
  if (duration <= Duration::zero()) return time;
  const auto room = std::chrono::floor<Duration>(Time::max() - std::max(time, Time{}));
  return duration >= room ? Time::max() : time + duration;
}

}  // namespace herd::pool
