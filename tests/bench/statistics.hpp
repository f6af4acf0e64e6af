// What is told of a series of measured values.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

namespace herd::bench {

/// The value that a share `part` (0 to 1) of the sorted series does not exceed, by nearest rank; 0 of an
/// empty one.
double percentile(std::vector<double> values, double part);
double median(const std::vector<double>& values);

/// {"count","min","p10","median","p99","max"}. On a busy machine p10 is nearest to what an idle one would
/// show.
nlohmann::json summary(const std::vector<double>& values);

}  // namespace herd::bench
