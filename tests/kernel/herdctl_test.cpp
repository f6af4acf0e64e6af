// The real herdctl against the real herdd: each verb for people and as JSON.
#include <algorithm>
#include <set>
#include <sstream>

#include "tests/support/daemon_test.hpp"
#include "tests/support/herdctl.hpp"

namespace herd::test {
namespace {

/// Without what is another value the next time that it is asked for.
Json steady(Json json) {
  static const std::set<std::string> kMoves{"uptime_seconds", "usage", "idle_seconds",
                                            "started",        "ready", "denials"};
  if (json.is_object())
    for (const std::string& key : kMoves) json.erase(key);
  for (Json& inner : json)
    if (inner.is_structured()) inner = steady(inner);
  return json;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The headers of columns that have nothing but "-" below them.
std::vector<std::string> empty_columns(const std::string& table) {
  const std::vector<std::string> lines = lines_of(table);
  std::vector<std::string> empty;
  for (std::size_t at = 0, next = 0; !lines.empty() && at < lines.front().size(); at = next) {
    const std::size_t end = lines.front().find("  ", at);
    next = end == std::string::npos ? std::string::npos : lines.front().find_first_not_of(' ', end);
    const bool says_something = std::any_of(lines.begin() + 1, lines.end(), [at](const std::string& line) {
      return line.size() > at && line.substr(at, 2) != "- " && line.substr(at) != "-";
    });
    if (!says_something) empty.push_back(lines.front().substr(at, end - at));
  }
  return empty;
}

class HerdctlVerbs : public DaemonTest {
 protected:
  void SetUp() override {
    DaemonTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const Json sizes{{"workers", {{"min", 1}, {"max", 3}}}};
    daemon_.write_pool("a", testee_pool({"serve"}, sizes));
    Json weakened = testee_pool({"syscall", "getpid"}, sizes);
    weakened["sandbox"]["seccomp"] = {{"policy", "off"}};
    daemon_.write_pool("weak", weakened);
    daemon_.start();
    worker_ = daemon_.acquire("a", "s").at("worker");
    talker_ = daemon_.wait_until_ready("weak").at("id");
    daemon_.wait_for_line(talker_, [](const Json&) { return true; });
  }
  std::string text(const std::vector<std::string>& arguments) {
    const Ran ran = herdctl_.run(arguments);
    EXPECT_EQ(ran.code, 0) << testing::PrintToString(arguments) << ran.err;
    EXPECT_EQ(ran.err, "") << testing::PrintToString(arguments);
    EXPECT_NE(ran.out, "") << testing::PrintToString(arguments);
    return ran.out;
  }
  Json json(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-o", "json"});
    return Json::parse(text(arguments));
  }
  void expect_same(const std::vector<std::string>& arguments, const std::string& target) {
    EXPECT_EQ(steady(json(arguments)), steady(daemon_.get(target))) << target;
  }
  void expect_full_table(const std::vector<std::string>& arguments) {
    const std::string table = text(arguments);
    EXPECT_GE(lines_of(table).size(), 2U) << table;
    EXPECT_EQ(empty_columns(table), std::vector<std::string>{}) << table;
  }

  Herdctl herdctl_{daemon_.socket()};
  std::string worker_, talker_;
};

TEST_F(HerdctlVerbs, WhatIsReadIsWhatTheDaemonSays) {
  expect_same({"status"}, "/v1/status");
  expect_same({"pools"}, "/v1/pools");
  expect_same({"workers"}, "/v1/workers");
  expect_same({"workers", "a"}, "/v1/pools/a/workers");
  expect_same({"inspect", worker_}, "/v1/workers/" + worker_);
  expect_same({"sessions"}, "/v1/sessions");
  expect_same({"sessions", "a"}, "/v1/pools/a/sessions");
  const Json version = json({"version"});
  EXPECT_EQ(version.at("herdd"), daemon_.get("/v1/status").at("version"));
}

TEST_F(HerdctlVerbs, ItsTablesHaveNoColumnThatNeverSaysAnything) {
  for (const std::vector<std::string>& verb :
       {std::vector<std::string>{"pools"}, {"workers"}, {"workers", "a"}, {"sessions"}, {"sessions", "a"}})
    expect_full_table(verb);
  for (const std::vector<std::string>& verb :
       {std::vector<std::string>{"status"}, {"inspect", worker_}, {"version"}})
    for (const std::string& line : lines_of(text(verb)))
      EXPECT_FALSE(line.ends_with("  -")) << verb.front() << ": " << line;
  EXPECT_NE(text({"inspect", worker_}).find("isolation: verified"), std::string::npos);
}

TEST_F(HerdctlVerbs, EventsAndLogsAreTheDaemonsLines) {
  const Ran events = herdctl_.run({"-o", "json", "events"});
  std::vector<Json> said;
  for (const std::string& line : lines_of(events.out)) said.push_back(Json::parse(line));
  EXPECT_EQ(said, daemon_.events());
  EXPECT_NE(text({"events"}).find("worker_ready  pool=a  worker=" + worker_), std::string::npos);
  const Json line = Json::parse(lines_of(herdctl_.run({"-o", "json", "logs", talker_}).out).front());
  EXPECT_NE(line.at("text").get<std::string>().find("getpid"), std::string::npos) << line;
  EXPECT_NE(text({"logs", talker_}).find(" stdout - | "), std::string::npos);
}

TEST_F(HerdctlVerbs, SessionsAreAcquiredAndReleased) {
  const std::string mine = text({"acquire", "a", "mine"});
  EXPECT_NE(mine.find("created  yes"), std::string::npos) << mine;
  const Json again = json({"acquire", "a", "mine"});
  EXPECT_EQ(again.at("created"), false);
  EXPECT_EQ(again.at("worker"), daemon_.get("/v1/pools/a/sessions/mine").at("worker"));
  EXPECT_EQ(text({"release", "a", "mine"}), "mine: released\n");
  EXPECT_EQ(json({"release", "a", "s"}).at("released"), true);
  EXPECT_EQ(daemon_.get("/v1/sessions").at("sessions").size(), 0U);
  EXPECT_EQ(herdctl_.run({"release", "a", "mine"}).code, 3);
}

TEST_F(HerdctlVerbs, PoolsAreOperated) {
  EXPECT_EQ(text({"scale", "a", "--max", "4"}), "a: min 1, max 4, spare 0 until its file changes\n");
  EXPECT_EQ(json({"scale", "a", "--max", "5"}).at("workers").at("max"), 5);
  EXPECT_EQ(text({"drain", "a"}), "a: draining\n");
  EXPECT_EQ(json({"drain", "a"}).at("state"), "draining");
  EXPECT_EQ(text({"resume", "a"}), "a: resumed\n");
  EXPECT_EQ(json({"resume", "a"}).at("state"), "running");
  EXPECT_EQ(text({"restart", "weak"}), "weak: restarting\n");
  EXPECT_EQ(json({"restart", "weak"}).at("name"), "weak");
  EXPECT_EQ(text({"stop", worker_}), worker_ + ": stopping\n");
  daemon_.wait_for({.type = "worker_gone", .worker = worker_});
  const std::string next = daemon_.acquire("a", "s").at("worker");
  EXPECT_EQ(json({"stop", next}).at("worker"), next);
  daemon_.wait_for({.type = "worker_gone", .worker = next});
}

TEST_F(HerdctlVerbs, AReloadIsShownAndThenDone) {
  daemon_.write_pool("a", testee_pool({"serve"}, {{"workers", {{"min", 1}, {"max", 7}}}}));
  expect_full_table({"reload", "--dry-run"});
  EXPECT_EQ(json({"reload", "--dry-run"}), daemon_.post("/v1/reload?dry_run=1"));
  EXPECT_EQ(daemon_.get("/v1/status").at("generation"), 1);
  EXPECT_NE(text({"reload"}).find("/workers/max"), std::string::npos);
  EXPECT_EQ(json({"reload"}).at("generation"), 3);
  EXPECT_EQ(daemon_.get("/v1/pools/a").at("workers").at("max"), 7);
}

TEST_F(HerdctlVerbs, ABadConfigurationIsAListAndChecksTheSameWithoutADaemon) {
  daemon_.write_pool_text("bad", R"({"comand": []})");
  daemon_.write_pool_text("worse", R"({"command": ["/bin/true"], "workers": {"min": -1}})");
  const Ran refused = herdctl_.run({"reload"});
  EXPECT_EQ(refused.code, 1);
  const Ran checked = herdctl_.run({"check", "--config", daemon_.directory() + "/herd.json"});
  EXPECT_EQ(checked.code, 3);
  EXPECT_GE(lines_of(checked.err).size(), 2U);
  for (const std::string& line : lines_of(checked.err))
    EXPECT_NE(("herdctl: " + refused.err).find(line + "\n"), std::string::npos) << line << "\n"
                                                                                << refused.err;
  daemon_.remove_pool("bad");
  daemon_.remove_pool("worse");
  EXPECT_NE(text({"check", "--config", daemon_.directory() + "/herd.json"}).find("ok, 2 pools"),
            std::string::npos);
}

TEST_F(HerdctlVerbs, WhatIsNotThereIs3AndWithoutADaemonItIs5) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"workers", "nope"},
                                                {"inspect", "a-999"},
                                                {"logs", "a-999"},
                                                {"acquire", "nope"},
                                                {"release", "a", "nope"},
                                                {"drain", "nope"},
                                                {"stop", "a-999"}})
    EXPECT_EQ(herdctl_.run(words).code, 3) << testing::PrintToString(words);
  daemon_.stop();
  EXPECT_EQ(herdctl_.run({"status"}).code, 5);
}

}  // namespace
}  // namespace herd::test
