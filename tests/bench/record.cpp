// What it costs a command to be recorded by herdctl seccomp record. The peer is strace -f, which catches
// every call too; beside it the same command alone.
#include <fcntl.h>
#include <sys/wait.h>

#include "tests/bench/measure.hpp"
#include "tests/bench/process.hpp"
#include "tests/bench/statistics.hpp"

namespace herd::bench {
namespace {

using Words = std::vector<std::string>;
constexpr const char* kStrace = "/usr/bin/strace";

struct Command {
  const char* what;
  Words words;
};

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// Milliseconds from its start to its end.
Result<double> time_of(const Words& words) {
  const UniqueFd nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));
  const auto begin = Clock::now();
  HERD_TRY(Child child, Child::start(words, nowhere.get(), nowhere.get()));
  siginfo_t end{};
  waitid(P_PID, static_cast<id_t>(child.pid()), &end, WEXITED | WNOWAIT);
  const double took = milliseconds(Clock::now() - begin);
  if (end.si_code != CLD_EXITED || end.si_status != 0) return fail("'" + words.front() + "' failed");
  return took;
}

Row row_of(const std::string& what, const std::vector<double>& recorded, const std::vector<double>& peer,
           const char* peer_name, std::optional<double> target) {
  return {what,
          "ms",
          median(recorded),
          median(peer),
          peer_name,
          target,
          {{"herd", summary(recorded)}, {"peer", summary(peer)}}};
}

Status measure_command(const Run& run, const Command& command, std::vector<Row>& rows) {
  const Words record{
      run.place.herdctl(), "seccomp", "record", "--output", run.place.path() + "/recorded.json", "--"};
  const Words strace{kStrace, "-f", "-o", "/dev/null"};
  std::vector<double> recorded, traced, alone;
  for (int round = 0; round <= run.count; ++round) {
    HERD_TRY(const double by_herd, time_of(record + command.words));
    HERD_TRY(const double by_strace, time_of(strace + command.words));
    HERD_TRY(const double by_nobody, time_of(command.words));
    run.progress(round);
    if (round == 0) continue;  // the first only warms up
    recorded.push_back(by_herd);
    traced.push_back(by_strace);
    alone.push_back(by_nobody);
  }
  const std::string what = std::string(command.what) + " recorded";
  rows.push_back(row_of(what, recorded, traced, "strace -f", 1.0));
  rows.push_back(row_of(what + ", against alone", recorded, alone, "alone", {}));
  return {};
}

}  // namespace

Result<std::vector<Row>> measure_record(const Run& run) {
  const Command commands[] = {
      {"dd bs=1, 40,000 calls", {"/usr/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=20000"}},
      {"find /usr/share", {"/usr/bin/find", "/usr/share"}}};
  std::vector<Row> rows;
  for (const Command& command : commands) HERD_CHECK(measure_command(run, command, rows));
  return rows;
}

}  // namespace herd::bench
