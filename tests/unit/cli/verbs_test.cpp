// Every verb with -o json: what the daemon said, and nothing else; and what it says when it is refused.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/unit/cli/harness.hpp"

namespace herd::cli {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

struct Verb {
  Words words;
  std::function<Json(FakeService&)> answer;  // what the daemon says; empty: lines
  Words unknown = {};                        // the same of what does not exist
};

Json pool_of(FakeService&) {
  return FakeService::pool_record();
}
Json worker_of(FakeService&) {
  return FakeService::worker_record("web-1");
}

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> kVerbs{
      {{"status"}, [](FakeService& service) { return service.status(); }},
      {{"pools"}, [](FakeService& service) { return service.pools(); }},
      {{"workers"}, [](FakeService& service) { return service.workers(); }},
      {{"workers", "web"}, [](FakeService& service) { return service.workers(); }, {"workers", "nope"}},
      {{"inspect", "web-1"}, worker_of, {"inspect", "web-9"}},
      {{"sessions"}, [](FakeService& service) { return service.sessions(); }},
      {{"sessions", "web"}, [](FakeService& service) { return service.sessions(); }, {"sessions", "nope"}},
      {{"acquire", "web", "bob"},
       [](FakeService& service) { return service.grant("bob").body; },
       {"acquire", "nope", "bob"}},
      {{"release", "web", "alice"},
       [](FakeService&) {
         return Json{{"session", "alice"}, {"released", true}};
       },
       {"release", "web", "nobody"}},
      {{"scale", "web", "--max", "3"}, pool_of, {"scale", "nope", "--max", "3"}},
      {{"drain", "web"}, pool_of, {"drain", "nope"}},
      {{"resume", "web"}, pool_of, {"resume", "nope"}},
      {{"restart", "web"}, pool_of, {"restart", "nope"}},
      {{"stop", "web-1"}, worker_of, {"stop", "web-9"}},
      {{"reload"}, [](FakeService& service) { return service.reload(false).value(); }},
      {{"reload", "--dry-run"}, [](FakeService& service) { return service.reload(true).value(); }},
      {{"events"}, {}, {"events", "--pool", "nope"}},
      {{"logs", "web-1"}, {}, {"logs", "web-9"}},
  };
  return kVerbs;
}

class Verbs : public Herdctl {
 protected:
  void SetUp() override {
    with_service([this](FakeService& service) {
      service.emit({{"type", "first"}});
      service.emit({{"type", "second"}});
      write_line(service, "one");
      write_line(service, "two");
    });
  }
  static void write_line(FakeService& service, const std::string& text) {
    service.log_ring->append({1'714'557'600'000'000, false, "", text}, 10);
  }
  Ran run_json(Words words) {
    words.insert(words.begin(), {"-o", "json"});
    return run(words);
  }
  /// Writes two pool files, one with two faults and one with one; the daemon's file.
  std::string write_bad_configuration() {
    const auto write = [this](const std::string& name, const std::string& text) {
      std::ofstream(harness.directory / name) << text;
      std::filesystem::permissions(harness.directory / name, std::filesystem::perms(0600));
      return harness.directory / name;
    };
    std::filesystem::create_directory(harness.directory / "pools.d");
    write("pools.d/one.json", "{\n  \"comand\": [],\n  \"workers\": {\"min\": -1}\n}\n");
    write("pools.d/two.json", "{\"command\": [\"/bin/true\"],\n \"limits\": {\"pids\": \"many\"}}\n");
    return write("herd.json", R"({"pools_directory": "pools.d"})");
  }
};

TEST_F(Verbs, JsonIsOneValueAndExactlyTheDaemons) {
  for (const Verb& verb : verbs()) {
    if (!verb.answer) continue;
    const std::string name = testing::PrintToString(verb.words);
    const Ran ran = run_json(verb.words);
    EXPECT_EQ(ran.code, kOk) << name;
    EXPECT_EQ(ran.err, "") << name;
    EXPECT_EQ(Json::parse(ran.out, nullptr, false), harness.on_loop([&] {
      return verb.answer(harness.service);
    })) << name;
  }
}

TEST_F(Verbs, JsonOfStreamsIsOneValueALine) {
  for (const Verb& verb : verbs()) {
    if (verb.answer) continue;
    const Ran ran = run_json(verb.words);
    EXPECT_EQ(ran.code, kOk);
    EXPECT_EQ(ran.err, "");
    std::istringstream lines(ran.out);
    int seq = 0;
    for (std::string line; std::getline(lines, line);)
      EXPECT_EQ(Json::parse(line, nullptr, false).value("seq", 0), ++seq) << line;
    EXPECT_EQ(seq, 2) << ran.out;
  }
}

TEST_F(Verbs, WhatDoesNotExistIs3AndJsonOnStderr) {
  for (const Verb& verb : verbs()) {
    if (verb.unknown.empty()) continue;
    const std::string name = testing::PrintToString(verb.unknown);
    const Ran ran = run_json(verb.unknown);
    EXPECT_EQ(ran.code, kNotFound) << name;
    EXPECT_EQ(ran.out, "") << name;
    const Json said = Json::parse(ran.err, nullptr, false);
    ASSERT_TRUE(said.is_object() && said.contains("error")) << name << ran.err;
    EXPECT_THAT(said["error"].value("code", ""), testing::StartsWith("unknown_")) << name;
    EXPECT_THAT(run(verb.unknown).err, testing::StartsWith("herdctl: there is no ")) << name;
  }
}

TEST_F(Verbs, WhoMayNotIsToldIn6AndJsonOnStderr) {
  with_service([](FakeService& service) { service.role = config::Role::none; });
  for (const Verb& verb : verbs()) {
    const std::string name = testing::PrintToString(verb.words);
    const Ran ran = run_json(verb.words);
    EXPECT_EQ(ran.code, kForbidden) << name;
    EXPECT_EQ(ran.out, "") << name;
    EXPECT_EQ(Json::parse(ran.err, nullptr, false)["error"]["code"], "forbidden") << name;
  }
}

TEST_F(Verbs, FollowedLogsEndWithTheirWorker) {
  std::thread ender([&] {
    wait_for_stream();
    with_service([](FakeService& service) {
      write_line(service, "three");
      service.emit({{"type", "worker_gone"}, {"worker", "web-1"}});
    });
  });
  const Ran ran = run({"logs", "-f", "web-1"});
  ender.join();
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_THAT(ran.out, testing::MatchesRegex("(.* stdout - . one\n)(.* two\n)(.* three\n)"));
}

// The lines of the list came as one, with '?' between them.
TEST_F(Verbs, ARefusedReloadPrintsTheListOfErrors) {
  const std::string list = "a.json:1: /comand: unknown\nb.json:3: /workers/min: too\tsmall\n";
  with_service([&](FakeService& service) {
    service.reload_refusal = control::ApiError{422, "bad_config", list, "mend the files"};
  });
  const Ran ran = run({"reload"});
  EXPECT_EQ(ran.code, kRefused);
  EXPECT_EQ(
      ran.err,
      "herdctl: a.json:1: /comand: unknown\nb.json:3: /workers/min: too?small\n  hint: mend the files\n");
  EXPECT_EQ(Json::parse(run_json({"reload"}).err)["error"]["message"], list);
}

TEST_F(Verbs, CheckPrintsEveryIssueOfEveryFile) {
  const std::string file = write_bad_configuration();
  const Ran ran = run_plain({"check", "--config", file});
  EXPECT_EQ(ran.code, kNotFound);
  EXPECT_EQ(ran.out, "");
  for (const char* part :
       {"one.json:2: /comand: ", "one.json:3: /workers/min: ", "two.json:2: /limits/pids: "})
    EXPECT_THAT(ran.err, HasSubstr(part));
}

TEST_F(Verbs, CheckInJsonHasFileLineAndPointer) {
  const std::string file = write_bad_configuration();
  const Ran ran = run_plain({"-o", "json", "check", "--config", file});
  EXPECT_EQ(ran.code, kNotFound);
  EXPECT_EQ(ran.err, "");
  const Json said = Json::parse(ran.out);
  EXPECT_EQ(said["ok"], false);
  std::set<std::string> places;
  for (const Json& issue : said["issues"]) {
    EXPECT_NE(issue["message"], "");
    places.insert(std::filesystem::path(issue["file"].get<std::string>()).filename().string() + ":" +
                  issue["line"].dump() + ":" + issue["pointer"].get<std::string>());
  }
  for (const char* place : {"one.json:2:/comand", "one.json:3:/workers/min", "two.json:2:/limits/pids"})
    EXPECT_TRUE(places.contains(place)) << said;
}

}  // namespace
}  // namespace herd::cli
