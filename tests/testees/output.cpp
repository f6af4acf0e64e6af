// What a worker can write to its stdout and stderr.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

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

/// How long the longest single write(2) took.
static std::chrono::milliseconds write_lines(int fd, const std::string& line, long count) {
  using Clock = std::chrono::steady_clock;
  Clock::duration longest{};
  for (; count > 0; --count)
    for (std::size_t done = 0; done < line.size();) {
      const auto before = Clock::now();
      const ssize_t size = ::write(fd, line.data() + done, line.size() - done);
      longest = std::max(longest, Clock::now() - before);
      if (size < 0) die("write: " + errno_name(errno));
      done += static_cast<std::size_t>(size);
    }
  return std::chrono::ceil<std::chrono::milliseconds>(longest);
}

void timed_flood(const Arguments& arguments) {
  const std::string line(static_cast<std::size_t>(number_argument(arguments, 0, 1)) - 1, 'x');
  const long count = number_argument(arguments, 1, 1);
  const bool writes_both = arguments.size() > 2 && arguments[2] == "both";
  sigset_t start;
  sigemptyset(&start);
  sigaddset(&start, SIGUSR1);
  ::sigprocmask(SIG_BLOCK, &start, nullptr);
  start_up();
  int signal = 0;
  ::sigwait(&start, &signal);

  std::chrono::milliseconds other{};
  std::thread second;
  if (writes_both) second = std::thread([&] { other = write_lines(STDERR_FILENO, line + "\n", count); });
  const auto mine = write_lines(STDOUT_FILENO, line + "\n", count);
  if (second.joinable()) second.join();
  say("longest write " + std::to_string(std::max(mine, other).count()));
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
