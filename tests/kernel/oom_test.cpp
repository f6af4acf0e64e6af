// Out of memory: the whole worker ends, its reason is the true one, nobody else notices.
#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

class OutOfMemory : public DaemonTest {
 protected:
  void start_both() {
    daemon_.write_pool(
        "small", testee_pool({"serve"}, {{"limits", {{"memory", "24MiB"}}}, {"workers", {{"max", 2}}}}));
    daemon_.write_pool("other", testee_pool({"serve"}));
    daemon_.start();
    other_ = daemon_.acquire("other", "other");
    eater_ = daemon_.acquire("small", "eater");
  }
  void expect_the_eater_alone_is_gone() {
    const Json gone = daemon_.wait_for({.type = "worker_gone", .worker = eater_.at("worker")});
    EXPECT_EQ(gone.at("reason").at("kind"), "oom_killed") << gone;
    const Json ended = daemon_.wait_for({.type = "session_ended", .session = "eater"});
    EXPECT_EQ(ended.at("reason").at("kind"), "oom_killed") << ended;
    EXPECT_EQ(ask(other_.at("address"), "/").at("requests"), 1);
    EXPECT_EQ(daemon_.acquire("other", "other").at("pid"), other_.at("pid"));
    EXPECT_EQ(daemon_.get("/v1/pools/small").at("counters").at("oom_killed"), 1);
    EXPECT_NE(daemon_.acquire("small", "eater").at("worker"), eater_.at("worker"));
  }
  Json other_, eater_;
};

// Pitfall 19.
TEST_F(OutOfMemory, OfTheWorkerItself) {
  start_both();
  EXPECT_TRUE(ask(eater_.at("address"), "/eat").is_null()) << "it died of the request";
  expect_the_eater_alone_is_gone();
}

// Pitfall 19: the worker itself is not the one that the kernel ends, and yet it is not left half alive.
TEST_F(OutOfMemory, OfAChildEndsTheWholeTree) {
  start_both();
  const UniqueFd worker = open_pidfd(eater_.at("pid"));
  ASSERT_TRUE(ask(eater_.at("address"), "/forkeat").contains("child"));
  EXPECT_TRUE(ends_within(worker, kPatience));
  expect_the_eater_alone_is_gone();
}

}  // namespace
}  // namespace herd::test
