#include "tests/bench/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace herd::bench {

double percentile(std::vector<double> values, double part) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(values.size())));
  return values[std::clamp<std::size_t>(rank, 1, values.size()) - 1];
}

double median(const std::vector<double>& values) {
  return percentile(values, 0.5);
}

void Turns::add(const std::vector<double>& turn) {
  medians.push_back(median(turn));
  slowest.push_back(percentile(turn, 0.99));
}

nlohmann::json summary(const std::vector<double>& values) {
  return {{"count", values.size()},   {"min", percentile(values, 0)},    {"p10", percentile(values, 0.1)},
          {"median", median(values)}, {"p99", percentile(values, 0.99)}, {"max", percentile(values, 1)}};
}

}  // namespace herd::bench
