// Workers that serve more than one session, and how they are replaced.
#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

using Recycle = DaemonTest;

TEST_F(Recycle, AReusedWorkerServesSoManySessionsAndEachLineHasItsOwn) {
  start_with("a", testee_pool({"serve"}, {{"workers", {{"min", 1}, {"max", 2}}},
                                          {"sessions", {{"reuse", true}}},
                                          {"recycle", {{"sessions", 2}}}}));
  const Json first = daemon_.acquire("a", "first");
  const std::string worker = first.at("worker");
  const auto session_of = [&](const std::string& text) {
    ask(first.at("address"), "/say?" + text);
    return daemon_.wait_for_line(worker, [&](const Json& line) { return line.value("text", "") == text; })
        .at("session");
  };
  EXPECT_EQ(session_of("one"), "first");
  daemon_.remove("/v1/pools/a/sessions/first");
  EXPECT_EQ(daemon_.acquire("a", "second").at("pid"), first.at("pid"));
  EXPECT_EQ(session_of("two"), "second");
  EXPECT_EQ(session_of("three"), "second");
  daemon_.remove("/v1/pools/a/sessions/second");
  EXPECT_EQ(daemon_.wait_for({.type = "worker_gone", .worker = worker}).at("reason").at("kind"), "recycled");
  EXPECT_NE(daemon_.acquire("a", "third").at("worker"), worker);
}

TEST_F(Recycle, OneThatHoldsTooMuchMemoryIsReplacedAndABoundOneKeepsItsSession) {
  start_with("a", testee_pool({"serve"},
                              {{"workers", {{"min", 2}, {"max", 3}}}, {"recycle", {{"memory", "20MiB"}}}}));
  const Json bound = daemon_.acquire("a", "s");
  daemon_.wait_for_pool("a", [](const Json& pool) { return pool.at("workers").at("idle") == 1; });
  Json idle;
  for (const Json& worker : daemon_.workers("a"))
    if (worker.at("state") == "idle") idle = worker;
  ask(bound.at("address"), "/hold?40");
  ask(idle.at("address"), "/hold?40");

  const Json gone = daemon_.wait_for({.type = "worker_gone", .pool = "a"});
  EXPECT_EQ(gone.at("worker"), idle.at("id"));
  EXPECT_EQ(gone.at("reason").at("kind"), "recycled");
  const Json replaced = daemon_.wait_for([&](const Json& event) {
    return event.at("type") == "worker_ready" && event.at("worker") != idle.at("id") &&
           event.at("worker") != bound.at("worker");
  });
  EXPECT_LT(replaced.at("seq"), gone.at("seq")) << "the new one was ready before the old one went";
  EXPECT_EQ(daemon_.acquire("a", "s").at("worker"), bound.at("worker"));
  EXPECT_EQ(ask(bound.at("address"), "/").at("worker"), bound.at("worker"));
}

}  // namespace
}  // namespace herd::test
