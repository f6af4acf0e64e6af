// What idle workers cost: herd-exec's memory beside each, and the daemon's memory, processor time and open
// files.
#include "tests/bench/herdd.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/statistics.hpp"

namespace herd::bench {
namespace {

using namespace std::chrono_literals;

constexpr int kFew = 10;
constexpr int kMany = 500;
constexpr auto kLongestFleetStart = 120s;
constexpr auto kSettle = 3s;
constexpr auto kIdleTime = 10s;

/// Opaque programs that need nothing of herd.
nlohmann::json tiny_pool(const Place& place, int workers) {
  return {{"command", {place.tiny_worker()}},
          {"workers", {{"min", workers}, {"max", workers}, {"spare", 0}, {"start_concurrency", 16}}},
          {"ready", {{"started", true}}},
          {"limits", {{"cpu", "off"}}},
          {"sandbox", {{"seccomp", {{"enter", "exec"}}}}}};
}

Status wait_for_workers(const Herdd& daemon, int count) {
  HERD_TRY(Events events, Events::follow(daemon.socket()));
  return events.wait_for("worker_ready", count, kLongestFleetStart);
}

/// Pages that no other process maps: herd-exec's code is one file for all.
Result<double> private_kib(pid_t pid) {
  HERD_TRY(const auto clean, kib_of(pid, "smaps_rollup", "Private_Clean"));
  HERD_TRY(const auto dirty, kib_of(pid, "smaps_rollup", "Private_Dirty"));
  return static_cast<double>(clean + dirty);
}

}  // namespace

Result<std::vector<Row>> measure_executor_memory(const Run& run) {
  HERD_TRY(const Herdd daemon, Herdd::start(run.place, "few", {{"few", tiny_pool(run.place, kFew)}}));
  HERD_CHECK(wait_for_workers(daemon, kFew));
  HERD_TRY(const auto executors, children_of(daemon.pid(), "herd-exec"));
  if (executors.size() != kFew)
    return fail(std::to_string(executors.size()) + " of herd-exec instead of ten");
  std::vector<double> sizes;
  for (const pid_t pid : executors) {
    HERD_TRY(const double size, private_kib(pid));
    sizes.push_back(size);
  }
  run.progress(1);
  return std::vector{
      Row{"memory of one idle herd-exec (private)", "KiB", median(sizes), {}, "", 200, summary(sizes)}};
}

Result<std::vector<Row>> measure_fleet(const Run& run) {
  HERD_TRY(const Herdd daemon, Herdd::start(run.place, "fleet", {{"fleet", tiny_pool(run.place, kMany)}}));
  const auto begin = Clock::now();
  HERD_CHECK(wait_for_workers(daemon, kMany));
  const double started_ms = milliseconds(Clock::now() - begin);
  std::vector<double> processor, resident;
  nlohmann::json details{{"all_ready_ms", started_ms}};
  for (int i = 1; i <= run.count; ++i) {
    wait_readable(-1, kSettle);
    HERD_TRY(const auto before, cpu_time_of(daemon.pid()));
    const auto from = Clock::now();
    wait_readable(-1, kIdleTime);
    HERD_TRY(const auto after, cpu_time_of(daemon.pid()));
    processor.push_back(100.0 * microseconds(after - before) / microseconds(Clock::now() - from));
    HERD_TRY(const auto kib, kib_of(daemon.pid(), "status", "VmRSS"));
    resident.push_back(static_cast<double>(kib) / 1024);
    run.progress(i);
  }
  HERD_TRY(details["open_files"], open_files_of(daemon.pid()));
  HERD_TRY(details["private_kib"], private_kib(daemon.pid()));
  return std::vector{
      Row{"herdd with 500 idle workers: memory (RSS)", "MiB", median(resident), {}, "", 24, details},
      Row{"herdd with 500 idle workers: processor",
          "% of a core",
          median(processor),
          {},
          "",
          0.5,
          summary(processor)}};
}

}  // namespace herd::bench
