// What workers write: always drained, bounded, cut and counted (pitfall 53).
#include <signal.h>

#include <algorithm>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

constexpr std::size_t kLongestLine = 16 * 1024;
constexpr std::size_t kMostLines = 2000;

using Output = DaemonTest;

TEST_F(Output, AFloodIsDrainedAndTheDaemonAnswersMeanwhile) {
  start_with("a", testee_pool({"flood"}));
  const std::string worker = daemon_.wait_until_ready("a").at("id");
  // More lines than are kept have come, so the worker was not blocked by a full pipe.
  daemon_.wait_for_line(worker, [](const Json& line) {
    return line.value("text", "").starts_with("line ") &&
           std::stol(line.at("text").get<std::string>().substr(5)) > 50'000;
  });
  for (int i = 0; i < 20; ++i) {
    const auto before = std::chrono::steady_clock::now();
    daemon_.get("/v1/status");
    EXPECT_LT(std::chrono::steady_clock::now() - before, 1s);
  }
  const Reply kept = daemon_.call("GET", "/v1/workers/" + worker + "/logs?since=0");
  EXPECT_LE(static_cast<std::size_t>(std::ranges::count(kept.text, '\n')), kMostLines + 1);
  const Json gap = Json::parse(kept.text.substr(0, kept.text.find('\n')));
  EXPECT_TRUE(gap.value("gap", false)) << gap;
  EXPECT_GT(gap.at("lost"), 0);
  daemon_.post("/v1/workers/" + worker + "/stop");
  daemon_.wait_for({.type = "worker_gone", .worker = worker});
  EXPECT_NE(daemon_.log().find("lines of output not shown here"), std::string::npos);
}

// Lines do not fill a pipe to its last byte, and so it was never taken for full.
TEST_F(Output, AWorkerThatFloodsIsHeldBack) {
  start_with("a", testee_pool({"flood"}));
  daemon_.wait_until_ready("a");
  EXPECT_LT(cpu_share_of(daemon_.pid(), 1s), 0.2);
}

TEST_F(Output, ALineOfTenMegabytesIsCutAndTheNextIsWhole) {
  start_with("a", testee_pool({"long-line"}));
  const std::string worker = daemon_.wait_until_ready("a").at("id");
  const Json cut = daemon_.wait_for_line(worker, [](const Json& line) { return line.value("cut", false); });
  EXPECT_EQ(cut.at("text"), std::string(kLongestLine, 'x'));
  const Json next =
      daemon_.wait_for_line(worker, [](const Json& line) { return line.value("text", "") == "after"; });
  EXPECT_EQ(next.at("cut"), false);
  EXPECT_EQ(next.at("stream"), "stdout");
  EXPECT_EQ(next.at("seq"), cut.at("seq").get<int>() + 1);
}

struct FloodCase {
  const char* name;
  std::vector<std::string> arguments;  // of the testee: bytes of a line, lines, 'both'
  bool has_idle_reader;
};

class TimedFlood : public DaemonTest, public ::testing::WithParamInterface<FloodCase> {};
INSTANTIATE_TEST_SUITE_P(All, TimedFlood,
                         ::testing::Values(FloodCase{"ShortLines", {"20", "50000"}, false},
                                           FloodCase{"LinesOfAMegabyte", {"1048576", "20"}, false},
                                           FloodCase{"BothStreams", {"200", "10000", "both"}, false},
                                           FloodCase{
                                               "AReaderThatNeverReads", {"200", "20000", "both"}, true}),
                         [](const auto& one) { return one.param.name; });

// The worker never blocks for long, whoever reads or does not.
TEST_P(TimedFlood, NoSingleWriteOfTheWorkerTakesLong) {
  std::vector<std::string> behaviour{"timed-flood"};
  behaviour.insert(behaviour.end(), GetParam().arguments.begin(), GetParam().arguments.end());
  start_with("a", testee_pool(behaviour));
  const Json worker = daemon_.wait_until_ready("a");
  const std::string id = worker.at("id");
  std::optional<protocol::LineStream> idle_reader;
  if (GetParam().has_idle_reader) idle_reader = daemon_.open("GET", "/v1/workers/" + id + "/logs?follow=1");
  ::kill(worker.at("pid").get<pid_t>(), SIGUSR1);
  const std::string start = "longest write ";
  const Json last =
      daemon_.wait_for_line(id, [&](const Json& line) { return line.value("text", "").starts_with(start); });
  EXPECT_LT(std::stol(last.at("text").get<std::string>().substr(start.size())), 3000) << "milliseconds";
}

TEST_F(Output, BytesThatAreNoTextComeAsReplacementCharacters) {
  start_with("a", testee_pool({"binary"}));
  const std::string worker = daemon_.wait_until_ready("a").at("id");
  daemon_.wait_for_line(worker, [](const Json& line) { return line.value("text", "") == "after"; });
  const Reply all = daemon_.call("GET", "/v1/workers/" + worker + "/logs?since=0");
  EXPECT_NE(all.text.find("\xEF\xBF\xBD"), std::string::npos);
  EXPECT_TRUE(Json::accept(all.text.substr(0, all.text.find('\n'))));
}

TEST_F(Output, TheLinesOfAWorkerThatIsGoneAreStillThere) {
  start_with("a", testee_pool({"syscall", "getpid"}));
  const std::string worker = daemon_.wait_until_ready("a").at("id");
  daemon_.wait_for_line(worker, [](const Json&) { return true; });
  daemon_.post("/v1/workers/" + worker + "/stop");
  daemon_.wait_for({.type = "worker_gone", .worker = worker});
  EXPECT_EQ(daemon_.worker(worker).at("state"), "gone");
  const Reply lines = daemon_.call("GET", "/v1/workers/" + worker + "/logs");
  EXPECT_NE(lines.text.find("getpid"), std::string::npos) << lines.text;
}

}  // namespace
}  // namespace herd::test
