// One measure: a name, how often it is repeated, and what it yields. Measures never judge: a row says whether
// its target is met, and nothing fails because a machine is slow.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "tests/bench/place.hpp"

namespace herd::bench {

struct Row {
  std::string what;
  std::string unit;            // of `herd` and `peer`
  double herd = 0;             // the median, or the one value
  std::optional<double> peer;  // the same of what herd is held against
  std::string peer_name;
  std::optional<double> target;  // the most that `value` may be; empty: it is only told
  nlohmann::json details;

  /// The ratio where there is a peer, else herd's own.
  [[nodiscard]] double value() const { return peer ? herd / *peer : herd; }
  [[nodiscard]] bool is_met() const { return !target || value() <= *target; }
};

struct Run {
  const Place& place;
  int count;
  std::function<void(int done)> progress;
};

struct Measure {
  const char* name;
  const char* what;
  int runs;  // where the command line says nothing
  Result<std::vector<Row>> (*run)(const Run&);
};

std::span<const Measure> measures();

Result<std::vector<Row>> measure_sandbox_start(const Run& run);
Result<std::vector<Row>> measure_network_start(const Run& run);
Result<std::vector<Row>> measure_full_sandbox(const Run& run);
Result<std::vector<Row>> measure_layers(const Run& run);
Result<std::vector<Row>> measure_ballast(const Run& run);
Result<std::vector<Row>> measure_ten_workers(const Run& run);
Result<std::vector<Row>> measure_acquire(const Run& run);
Result<std::vector<Row>> measure_burst(const Run& run);
Result<std::vector<Row>> measure_two_hundred(const Run& run);
Result<std::vector<Row>> measure_filters(const Run& run);
Result<std::vector<Row>> measure_denials(const Run& run);
Result<std::vector<Row>> measure_executor_memory(const Run& run);
Result<std::vector<Row>> measure_fleet(const Run& run);

}  // namespace herd::bench
