// What a stream says: one JSON object a line, read from a ring when the reader has room for more. The ring is
// the only buffer: a reader that is too slow is told how much it missed, and costs nothing meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "daemon/control/service.hpp"

namespace herd::control {

class LineSource {
 public:
  virtual ~LineSource() = default;
  /// Appends lines that are there and were not given yet: a bounded number; none if there are none.
  virtual void fill(std::string& lines) = 0;
  /// No line will come after those that fill() gives now.
  [[nodiscard]] virtual bool ended() const = 0;
  /// `wake` is called when there may be more, until this object ends.
  virtual void follow(std::function<void()> wake) = 0;
};

/// Lines taken from a ring at a time, so that one write stays small.
inline constexpr std::size_t kBatch = 64;

struct EventQuery {
  std::uint64_t since = 0;
  std::string pool;  // empty: all
  bool follow = true;
};
/// The event with its "seq" in front; {"type":"gap","lost":K,"seq":N} for those that the ring no longer has,
/// N being the last of them. `since` past the ring's last number means that the daemon began anew: "lost" is
/// null then.
std::unique_ptr<LineSource> event_lines(EventRing& ring, EventQuery query);

struct LogQuery {
  std::string worker;
  std::uint64_t since = 0;
  bool follow = false;
};
/// {"seq","time","stream","session","text","cut"}, and {"gap":true,"lost":K,"seq":N}. Following ends with the
/// worker.
std::unique_ptr<LineSource> log_lines(std::shared_ptr<LogRing> ring, EventRing& events, LogQuery query);

/// What a `connection` lease's stream says: the answer, then {"ended": REASON} when its session ends first.
/// `since` is the last event before the session was granted.
struct LeaseQuery {
  Json answer;
  std::string pool, session;
  std::uint64_t since = 0;
};
std::unique_ptr<LineSource> lease_lines(EventRing& events, LeaseQuery query);

}  // namespace herd::control
