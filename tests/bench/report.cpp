#include "tests/bench/report.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "common/kernel/files.hpp"

namespace herd::bench {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 10 ? "%.2f" : "%.1f", value);
  return text;
}

std::string with_unit(double value, const std::string& unit) {
  return number(value) + " " + unit;
}

std::string_view goal_name(Goal goal) {
  switch (goal) {
    case Goal::at_most:
      return "at_most";
    case Goal::at_least:
      return "at_least";
    case Goal::own_at_most:
      return "own_at_most";
  }
  return "";
}

using Line = std::array<std::string, 6>;

Line line_of(const Row& row) {
  const std::string peer = row.peer ? with_unit(*row.peer, row.unit) + " (" + row.peer_name + ")" : "-";
  const std::string value = row.peer ? number(row.value()) + "x" : with_unit(row.value(), row.unit);
  if (!row.target) return {row.what, with_unit(row.herd, row.unit), peer, value, "-", "-"};
  const std::string target =
      (row.goal == Goal::at_least ? ">= " : "<= ") +
      (row.is_target_ratio() ? number(*row.target) + "x" : with_unit(*row.target, row.unit));
  return {row.what, with_unit(row.herd, row.unit), peer, value, target, row.is_met() ? "yes" : "no"};
}

nlohmann::json host_facts() {
  utsname kernel{};
  uname(&kernel);
  std::array<double, 1> load{};
  if (getloadavg(load.data(), 1) != 1) load[0] = -1;
  return {{"kernel", kernel.release},
          {"architecture", kernel.machine},
          {"processors", sysconf(_SC_NPROCESSORS_ONLN)},
          {"load", load[0]}};
}

}  // namespace

void print_table(std::ostream& out, const std::vector<Measured>& rows) {
  std::vector<Line> lines{{"measure", "herd", "peer", "value", "target", "met"}};
  for (const Measured& measured : rows) lines.push_back(line_of(measured.row));
  std::array<std::size_t, 6> widths{};
  for (const Line& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  for (const Line& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::size_t gap = i + 1 < line.size() ? widths[i] - line[i].size() + 2 : 0;
      out << line[i] << std::string(gap, ' ');
    }
    out << "\n";
  }
}

Status write_json(const std::string& file, const std::vector<Measured>& rows) {
  nlohmann::json results = nlohmann::json::array();
  for (const auto& [name, row] : rows) {
    results.push_back({{"name", name},
                       {"what", row.what},
                       {"unit", row.unit},
                       {"herd", row.herd},
                       {"peer", row.peer ? nlohmann::json(*row.peer) : nlohmann::json(nullptr)},
                       {"peer_name", row.peer_name},
                       {"value", row.value()},
                       {"target", row.target ? nlohmann::json(*row.target) : nlohmann::json(nullptr)},
                       {"target_is", std::string(goal_name(row.goal))},
                       {"met", row.target ? nlohmann::json(row.is_met()) : nlohmann::json(nullptr)},
                       {"details", row.details}});
  }
  const nlohmann::json all{{"version", HERD_VERSION}, {"host", host_facts()}, {"results", results}};
  const std::string directory = std::filesystem::path(file).parent_path().string();
  if (!directory.empty()) HERD_CHECK(kernel::make_directories(directory, 0755));
  return kernel::replace_file(file, all.dump(2) + "\n", 0644);
}

}  // namespace herd::bench
