#include "daemon/herdd/views.hpp"

#include <gmock/gmock.h>

namespace herd::daemon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

TEST(WallTime, IsRfc3339InUtcWithMilliseconds) {
  const auto at = [](std::chrono::milliseconds since_epoch) {
    return wall_time(std::chrono::system_clock::time_point(since_epoch));
  };
  EXPECT_EQ(at(0ms), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(at(1709210096007ms), "2024-02-29T12:34:56.007Z");
}

TEST(ReasonJson, EveryKindHasItsNameAndSentence) {
  for (int i = 0; i <= static_cast<int>(ReasonKind::stopped); ++i) {
    const Reason reason{.kind = static_cast<ReasonKind>(i)};
    const Json json = to_json(reason);
    EXPECT_EQ(json.at("kind"), name(reason.kind));
    EXPECT_EQ(json.at("text"), describe(reason));
  }
}

TEST(ReasonJson, AnExitHasItsCodeAndASignalItsNumber) {
  EXPECT_EQ(to_json(Reason{.kind = ReasonKind::exited, .code = 3}),
            Json({{"kind", "exited"}, {"text", "exited with code 3"}, {"code", 3}}));
  EXPECT_EQ(to_json(Reason{.kind = ReasonKind::signaled, .signal = 11}),
            Json({{"kind", "signaled"}, {"text", "ended by signal 11 (SIGSEGV)"}, {"signal", 11}}));
}

TEST(ReasonJson, AFailedSetUpHasItsStageAndErrno) {
  const Json json = to_json(
      Reason{.kind = ReasonKind::setup_failed, .errno_value = 13, .what = "exec", .detail = "denied"});
  EXPECT_EQ(json.at("stage"), "exec");
  EXPECT_EQ(json.at("errno"), 13);
  EXPECT_EQ(json.at("text"), "set-up failed at stage exec: denied");
}

TEST(ReasonJson, ADeniedCallHasItsNameOrSaysThatItIsUnknown) {
  EXPECT_EQ(to_json(Reason{.kind = ReasonKind::denied_syscall, .what = "ptrace"}).at("name"), "ptrace");
  EXPECT_TRUE(to_json(Reason{.kind = ReasonKind::denied_syscall}).at("name").is_null());
}

denials::History::Entry denied_mount() {
  denials::History::Entry entry;
  entry.kind = denials::Kind{0xc000003e, 165, 0x50000, "/bin/a"};
  entry.session = "s";
  entry.comm = "a";
  entry.count = 3;
  entry.first = denials::WallTime(std::chrono::seconds(1));
  entry.last = denials::WallTime(std::chrono::seconds(61));
  return entry;
}

TEST(DenialJson, HasArgumentsAsTextWhereTheyAreKnown) {
  denials::History::Entry entry = denied_mount();
  EXPECT_FALSE(to_json(entry).contains("args"));
  entry.arguments = denials::Arguments{0, 1, ~std::uint64_t{0}, 0, 0, 16};
  EXPECT_THAT(to_json(entry).at("args"),
              ElementsAre("0x0", "0x1", "0xffffffffffffffff", "0x0", "0x0", "0x10"));
}

TEST(DenialJson, HasNamesForNumbers) {
  const Json json = to_json(denied_mount());
  EXPECT_EQ(json, Json::parse(R"({"syscall": "mount", "arch": "x86_64", "action": "errno", "exe": "/bin/a",
    "comm": "a", "session": "s", "count": 3, "first": "1970-01-01T00:00:01.000Z",
    "last": "1970-01-01T00:01:01.000Z"})"));
  EXPECT_EQ(describe_denial(json, 2), "mount (x86_64), errno, by /bin/a, 2 times");
  EXPECT_EQ(describe_denial(json, 1), "mount (x86_64), errno, by /bin/a, once");
}

TEST(DenialJson, CallsOfMoreKindsHaveNoName) {
  denials::History::Entry others;
  others.count = 9;
  const Json json = to_json(others);
  EXPECT_TRUE(json.at("syscall").is_null());
  EXPECT_EQ(describe_denial(json, 9), "calls of more kinds than are listed, 9 times");
}

TEST(DenialJson, WhetherTheyAreSeenIsSaidInWords) {
  denials::Visibility visibility;
  EXPECT_NE(in_words(visibility).find("not known yet"), std::string::npos);
  EXPECT_TRUE(to_json(visibility, Json::array()).at("seen").is_null());
  visibility.seen = false;
  visibility.why_not = "no audit";
  EXPECT_EQ(in_words(visibility), "can't be seen: no audit");
  EXPECT_EQ(to_json(visibility, Json::array()).at("why_not"), "no audit");
  visibility.seen = true;
  EXPECT_EQ(in_words(visibility), "seen");
}

TEST(ReasonJson, WhatWasNotVerifiedIsNamed) {
  EXPECT_EQ(to_json(Reason{.kind = ReasonKind::not_verified, .what = "seccomp"}).at("what"), "seccomp");
}

TEST(ReasonJson, HowASessionEndedIsSaidWhereItIsKnown) {
  EXPECT_EQ(to_json(Reason{.kind = ReasonKind::session_ended, .what = "released"}).at("what"), "released");
  EXPECT_FALSE(to_json(Reason{.kind = ReasonKind::session_ended}).contains("what"));
}

TEST(ChecksJson, HoldWhatWasWantedAndFound) {
  const Json json = to_json({{"uid", "5", "0", false}}, {"limits: none"}, false);
  EXPECT_EQ(json, Json::parse(R"({"verified": false, "left_out": ["limits: none"],
                                  "checks": [{"name": "uid", "wanted": "5", "found": "0", "ok": false}]})"));
}

TEST(ChecksJson, NoneIsAnEmptyListAndNotNull) {
  const Json json = to_json({}, {}, true);
  EXPECT_EQ(json, Json::parse(R"({"verified": true, "checks": [], "left_out": []})"));
}

TEST(Weakenings, ADefaultPoolHasNone) {
  EXPECT_THAT(weakenings({}), IsEmpty());
}

TEST(Weakenings, EachIsSaidInThePoolFilesWords) {
  using Change = void (*)(config::PoolSpec&);
  struct Case {
    Change change;
    const char* word;
  };
  for (const auto& [change, word] : std::vector<Case>{
           {[](auto& pool) { pool.sandbox.seccomp.policy = config::SeccompPolicy::off; },
            "sandbox.seccomp.policy: off"},
           {[](auto& pool) { pool.sandbox.seccomp.policy = config::SeccompPolicy::log; },
            "sandbox.seccomp.policy: log"},
           {[](auto& pool) { pool.sandbox.no_new_privs = false; }, "sandbox.no_new_privs: false"},
           {[](auto& pool) { pool.sandbox.required = false; }, "sandbox.required: false"},
           {[](auto& pool) { pool.sandbox.user = "daemon"; }, "sandbox.user: daemon"},
           {[](auto& pool) { pool.sandbox.namespaces.pop_back(); }, "sandbox.namespaces: not all"},
           {[](auto& pool) { pool.sandbox.capabilities = {"CAP_CHOWN"}; }, "sandbox.capabilities: CAP_CHOWN"},
           {[](auto& pool) { pool.sandbox.filesystem.writable = {"/srv"}; },
            "sandbox.filesystem.writable: /srv"},
           {[](auto& pool) { pool.sandbox.filesystem.tmp.reset(); }, "sandbox.filesystem.tmp: off"},
           {[](auto& pool) { pool.limits.memory.reset(); }, "limits.memory: off"},
           {[](auto& pool) { pool.limits.cpu.reset(); }, "limits.cpu: off"},
           {[](auto& pool) { pool.limits.pids.reset(); }, "limits.pids: off"}}) {
    config::PoolSpec pool;
    change(pool);
    EXPECT_THAT(weakenings(pool), ElementsAre(word));
  }
}

TEST(Weakenings, AreAllSaid) {
  config::PoolSpec pool;
  pool.sandbox.seccomp.policy = config::SeccompPolicy::off;
  pool.sandbox.filesystem.writable = {"/a", "/b"};
  pool.limits.memory.reset();
  EXPECT_THAT(weakenings(pool), ElementsAre("sandbox.seccomp.policy: off", "sandbox.filesystem.writable: /a",
                                            "sandbox.filesystem.writable: /b", "limits.memory: off"));
}

TEST(Weakenings, AStricterPoolHasNone) {
  config::PoolSpec pool;
  pool.sandbox.seccomp.policy = config::SeccompPolicy::kill;
  pool.sandbox.network = config::Network::none;
  EXPECT_THAT(weakenings(pool), IsEmpty());
}

}  // namespace
}  // namespace herd::daemon
