// herdctl seccomp record: runs a command, writes the profile that it needs.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "cli/record/supervisor.hpp"

namespace herd::record {

enum class Ending { written, not_written, wrong_usage, not_started, refused_by_pool };

/// What the command line has at hand. What is referred to lives as long as the CLI::App.
struct Surroundings {
  std::ostream& out;
  std::ostream& err;
  const std::vector<std::string>& command;  // what stood after "--"
  const bool& json;
  /// In a pool's sandbox; an empty command is the pool's own.
  std::function<Result<Outcome>(const std::string& pool, const Order&, Recording&)> record_in_pool;
  /// Says what went wrong, if anything did, and leaves the exit code.
  std::function<void(Ending, const std::string& problem)> end;
};

void add_record_command(CLI::App& seccomp, Surroundings surroundings);

}  // namespace herd::record
