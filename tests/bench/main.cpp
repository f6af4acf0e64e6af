// herd_bench: measures what herd promises of its speed and size, and says beside each whether it is reached.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "tests/bench/measure.hpp"
#include "tests/bench/report.hpp"

namespace herd::bench {

// clang-format off
static constexpr Measure kMeasures[] = {
    {"sandbox-start",       "default sandbox until the worker's main, against bubblewrap",         200, measure_sandbox_start},
    {"network-start",       "the same with network none, against bubblewrap --unshare-all",        200, measure_network_start},
    {"full-sandbox",        "with filter, Landlock and read-back, against bubblewrap",             200, measure_full_sandbox},
    {"layers",              "what each layer of that costs",                                       100, measure_layers},
    {"ballast",             "the same from a process with 512 MiB of memory, against one without", 200, measure_ballast},
    {"ten-workers",         "ten HTTP workers, from the order to all verified",                     20, measure_ten_workers},
    {"acquire",             "acquire of a pinned session, against a bare HTTP round trip",          20, measure_acquire},
    {"burst",               "100 new sessions at once, until the last is answered",                  5, measure_burst},
    {"two-hundred",         "200 workers at once: rate, and the slowest of a hundred",               5, measure_two_hundred},
    {"filters",             "seccomp filters: build, load and calls, against libseccomp's",         50, measure_filters},
    {"denials",             "from a denied call to the event that tells of it",                    100, measure_denials},
    {"record",              "a recorded command, against strace -f and against nothing",             5, measure_record},
    {"executor-memory",     "private memory of one idle herd-exec",                                  1, measure_executor_memory},
    {"fleet",               "herdd with 500 idle workers: memory and processor",                     1, measure_fleet},
    {"gateway-requests",    "requests a second through the gateway, against HAProxy and nginx",     15, measure_gateway_requests},
    {"gateway-latency",     "one connection through the gateway, against HAProxy and nginx",        50, measure_gateway_latency},
    {"gateway-bodies",      "a body of 1 GiB each way, against HAProxy",                             3, measure_gateway_bodies},
    {"gateway-tunnels",     "memory of 2,000 idle WebSockets, against HAProxy",                      1, measure_gateway_tunnels},
    {"gateway-sessions",    "200 sessions on 200 workers, mixed requests, against HAProxy",         40, measure_gateway_sessions},
    {"gateway-new-session", "first request of a new session, until a worker has answered",          50, measure_gateway_new_session},
};
// clang-format on

std::span<const Measure> measures() {
  return kMeasures;
}

namespace {

struct Options {
  std::vector<std::string> only;
  int runs = 0;  // 0: each measure's own
  std::string programs, peers = "build/bench/peers", output = "build/bench/results.json";
  bool list = false;
};

/// The bin directory of the build that this program is from.
std::string own_programs() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path().parent_path().string();
}

std::function<void(int)> progress_of(const Measure& measure, int runs) {
  return [&measure, runs](int done) {
    const bool is_terminal = isatty(STDERR_FILENO) == 1;
    if (!is_terminal && done != runs) return;
    std::cerr << (is_terminal ? "\r" : "") << measure.name << " " << done << "/" << runs
              << (done == runs ? "\n" : "") << std::flush;
  };
}

int run(const Options& options) {
  auto place = Place::make(options.programs, options.peers);
  if (!place) {
    std::cerr << "herd_bench: " << place.error().message << "\n";
    return 1;
  }
  bool all_measured = true;
  std::vector<Measured> rows;
  for (const Measure& measure : measures()) {
    if (!options.only.empty() && std::ranges::find(options.only, measure.name) == options.only.end())
      continue;
    const int runs = options.runs > 0 ? options.runs : measure.runs;
    auto measured = measure.run({*place, runs, progress_of(measure, runs)});
    if (!measured) {
      std::cerr << "\nherd_bench: " << measure.name << ": " << measured.error().message << "\n";
      all_measured = false;
      continue;
    }
    for (Row& row : *measured) rows.push_back({measure.name, std::move(row)});
  }
  print_table(std::cout, rows);
  if (auto written = write_json(options.output, rows); !written) {
    std::cerr << "herd_bench: " << written.error().message << "\n";
    return 1;
  }
  return all_measured ? 0 : 1;
}

}  // namespace
}  // namespace herd::bench

int main(int argc, char** argv) {
  using namespace herd::bench;
  CLI::App app{"herd_bench measures what herd promises of its speed and size. Needs root.", "herd_bench"};
  Options options;
  options.programs = own_programs();
  std::vector<std::string> names;
  for (const Measure& measure : measures()) names.emplace_back(measure.name);
  app.add_option("--only", options.only, "one measure (may be repeated)")->check(CLI::IsMember(names));
  app.add_option("--runs", options.runs, "repeat each measure so often")->check(CLI::Range(1, 1'000'000));
  app.add_option("--programs", options.programs, "the bin directory to measure")->capture_default_str();
  app.add_option("--peers", options.peers, "where HAProxy and nginx are")->capture_default_str();
  app.add_option("--output", options.output, "the JSON file to write")->capture_default_str();
  app.add_flag("--list", options.list, "name the measures and end");
  app.footer(
      "Exit codes: 0 all was measured, whether the targets are met or not; 1 something could not be "
      "measured.");
  CLI11_PARSE(app, argc, argv);
  if (options.list) {
    for (const Measure& measure : measures()) std::cout << measure.name << ": " << measure.what << "\n";
    return 0;
  }
  signal(SIGPIPE, SIG_IGN);
  try {
    return run(options);
  } catch (const std::exception& error) {
    std::cerr << "herd_bench: " << error.what() << "\n";
    return 1;
  }
}
