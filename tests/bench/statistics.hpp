// What is told of a series of measured values.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

namespace herd::bench {

/// The value that a share `part` (0 to 1) of the sorted series does not exceed, by nearest rank; 0 of an
/// empty one.
double percentile(std::vector<double> values, double part);
double median(const std::vector<double>& values);

/// Of each turn of a series that takes turns with a peer's: other work that comes between delays all of one
/// turn, and none of the others.
struct Turns {
  std::vector<double> medians, slowest;  // the 99th percentile
  void add(const std::vector<double>& turn);
};

/// {"count","min","p10","median","p99","max"}. On a busy machine p10 is nearest to what an idle one would
/// show.
nlohmann::json summary(const std::vector<double>& values);

}  // namespace herd::bench
