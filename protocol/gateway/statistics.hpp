// What a gateway has done since it started, for herdd's /metrics. Counters only grow.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "common/error.hpp"

namespace herd::gateway {

/// Upper bounds of the latency histogram's buckets, in seconds; the last bucket has none.
inline constexpr std::array kLatencyBounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                           0.1,    0.25,  0.5,    1.0,   2.5,  5.0,   10.0};

struct PoolStatistics {
  // By status; 101: a tunnel was opened; 499: the client went before there was one.
  std::map<int, std::uint64_t> answers;
  std::array<std::uint64_t, kLatencyBounds.size() + 1>
      latency{};                                    // from a request's head to its answer's end
  double latency_seconds = 0;                       // of all of them together
  std::uint64_t bytes_in = 0, bytes_out = 0;        // bodies and tunnels, from clients and to them
  std::uint64_t connects = 0, failed_connects = 0;  // to workers
  std::uint64_t retries = 0;                        // sent again, to a new connection or worker
  std::uint64_t tunnels = 0;                        // that are open
  bool operator==(const PoolStatistics&) const = default;
};

struct Statistics {
  std::map<std::string, PoolStatistics> pools;   // "": requests that no route fits
  std::uint64_t accepted = 0;                    // connections
  std::uint64_t connections = 0;                 // that are open
  std::map<std::string, std::uint64_t> limited;  // what a limit has ended, by its name
  bool operator==(const Statistics&) const = default;
};

std::string to_json(const Statistics& statistics);
Result<Statistics> parse_statistics(const std::string& text);

}  // namespace herd::gateway
