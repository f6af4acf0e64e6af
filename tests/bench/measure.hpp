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

/// What a target bounds.
enum class Goal {
  at_most,      // the ratio where there is a peer, else herd's figure
  at_least,     // the same
  own_at_most,  // herd's figure, peer or not
};

struct Row {
  std::string what;
  std::string unit;            // of `herd` and `peer`
  double herd = 0;             // the median, or the one value
  std::optional<double> peer;  // the same of what herd is held against
  std::string peer_name;
  std::optional<double> target;  // empty: it is only told
  nlohmann::json details;
  Goal goal = Goal::at_most;

  /// The ratio where there is a peer, else herd's own.
  [[nodiscard]] double value() const { return peer ? herd / *peer : herd; }
  [[nodiscard]] bool is_target_ratio() const { return peer && goal != Goal::own_at_most; }
  [[nodiscard]] bool is_met() const {
    const double judged = is_target_ratio() ? value() : herd;
    return !target || (goal == Goal::at_least ? judged >= *target : judged <= *target);
  }
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
Result<std::vector<Row>> measure_record(const Run& run);
Result<std::vector<Row>> measure_executor_memory(const Run& run);
Result<std::vector<Row>> measure_fleet(const Run& run);
Result<std::vector<Row>> measure_gateway_requests(const Run& run);
Result<std::vector<Row>> measure_gateway_latency(const Run& run);
Result<std::vector<Row>> measure_gateway_bodies(const Run& run);
Result<std::vector<Row>> measure_gateway_tunnels(const Run& run);
Result<std::vector<Row>> measure_gateway_sessions(const Run& run);
Result<std::vector<Row>> measure_gateway_new_session(const Run& run);

}  // namespace herd::bench
