// What a worker can write to its stdout and stderr.
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tests/testees/behaviours.hpp"
#include "tests/testees/report.hpp"

namespace testee {

namespace {

constexpr long kLongLine = 10'000'000;

}  // namespace

void flood(const Arguments& arguments) {
  const long wanted = number_argument(arguments, 0, -1);
  start_up();
  for (long line = 0; line != wanted; ++line) say("line " + std::to_string(line));
  pause_forever();
}

void long_line(const Arguments& arguments) {
  start_up();
  say(std::string(static_cast<std::size_t>(number_argument(arguments, 0, kLongLine)), 'x'));
  say("after");
  pause_forever();
}

void binary(const Arguments&) {
  start_up();
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  say(bytes);
  say("after");
  pause_forever();
}

void print_env(const Arguments&) {
  auto lines = nlohmann::json::array();
  for (char** entry = environ; *entry != nullptr; ++entry) lines.push_back(*entry);
  say(lines.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  start_up();
  pause_forever();
}

void print_report(const Arguments& arguments) {
  if (!arguments.empty() && arguments[0] == "enter") enter();
  say(report());
  ready();
  pause_forever();
}

}  // namespace testee
