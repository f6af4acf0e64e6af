// What is known of one worker's denied calls, and what of it is to be told now: the first of a kind at once,
// repeats as sums, ever more seldom. Bounded. Pure: knows no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/denials/source.hpp"
#include "daemon/denials/tally.hpp"

namespace herd::denials {

class History {
 public:
  struct Entry {
    std::optional<Kind> kind;            // nothing: calls of more kinds than are kept
    std::string session;                 // the worker's when it was made; empty: none yet
    std::string comm;                    // of the last call
    std::optional<Arguments> arguments;  // of the last call, where they are known
    std::uint64_t count = 0;             // in all
    WallTime first{}, last{};
    std::uint64_t untold = 0;
    SteadyTime tell_at{};
    std::chrono::seconds pause{0};
  };
  /// `entry` as it stands, and how many of its calls this tells of.
  struct Told {
    Entry entry;
    std::uint64_t count = 0;
  };

  static constexpr std::chrono::seconds kFirstPause{10}, kLongestPause{600};

  /// From then on calls are that session's, also after its end, until the next one begins. Forgets what an
  /// earlier session did; returns what was not told of it yet.
  std::vector<Told> begin_session(const std::string& session, WallTime now);
  /// Returns what is to be told now.
  std::vector<Told> add(const News& news, WallTime wall, SteadyTime now);
  /// The sums whose time has come; all there are with `all`.
  std::vector<Told> due(SteadyTime now, bool all = false);
  /// When due() has something to tell.
  [[nodiscard]] std::optional<SteadyTime> next() const;

  /// In the order in which they came first.
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] std::uint64_t holds() const { return holds_; }

 private:
  struct Span {
    std::string session;
    WallTime since{};
  };
  [[nodiscard]] const std::string& session_at(WallTime time) const;
  Entry& entry_of(const std::optional<Kind>& kind, const std::string& session);
  void count(const Denied& denied, const std::optional<Kind>& kind);

  std::vector<Entry> entries_;
  Span before_, current_;
  std::uint64_t total_ = 0, holds_ = 0;
};

}  // namespace herd::denials
