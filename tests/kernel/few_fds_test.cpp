// A daemon that is at the end of its fds: what is open goes on, what comes waits or fails with a reason.
#include <sys/resource.h>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

class FewFds : public DaemonTest {
 protected:
  /// Restarts fast; a worker that hangs does so beyond the test's patience.
  static Json pool() {
    return testee_pool({"serve"},
                       {{"workers", {{"min", 0}}},
                        {"ready", {{"timeout", "5m"}}},
                        {"restart", {{"backoff_min", "10ms"}, {"backoff_max", "10ms"}, {"burst", 10'000}}}});
  }
  void allow_fds(int count) const {
    const rlimit limit{static_cast<rlim_t>(count), 1024};
    ASSERT_EQ(::prlimit(daemon_.pid(), RLIMIT_NOFILE, &limit, nullptr), 0);
  }
  /// Where all of a pool's workers are gone.
  std::uint64_t last_end() {
    std::uint64_t last = 0;
    for (const Json& event : daemon_.events())
      if (event.at("type") == "worker_gone") last = event.at("seq");
    return last;
  }
  Json next_outcome(std::uint64_t after) {
    return daemon_.wait_for([after](const Json& event) {
      return event.at("seq").get<std::uint64_t>() > after &&
             (event.at("type") == "worker_ready" || event.at("type") == "worker_gone");
    });
  }
};

TEST_F(FewFds, ClientsThatCanNotBeAcceptedWaitAndTheOthersAreServed) {
  constexpr int kClients = 100;
  start_with("a", pool());
  const Json session = daemon_.acquire("a", "s");
  const std::string worker = session.at("worker");
  daemon_.wait_for({.type = "worker_ready"});  // this stream stays
  allow_fds(open_fds_of(daemon_.pid()) + 3);

  std::vector<UniqueFd> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(connect_to("unix:" + daemon_.socket()));
    ASSERT_TRUE(clients.back());
  }
  EXPECT_LT(cpu_share_of(daemon_.pid(), 500ms), 0.3) << "it can do nothing but wait";
  ask(session.at("address"), "/crash");
  EXPECT_EQ(daemon_.wait_for({.type = "worker_gone", .worker = worker}).at("reason").at("kind"), "signaled");
  EXPECT_NE(daemon_.log().find("accept: Too many open files"), std::string::npos);

  clients.clear();
  allow_fds(1024);
  daemon_.acquire("a", "s");
}

// Wherever in a worker's start the next fd is refused.
TEST_F(FewFds, EachStartEndsWithAReasonOrAReadyWorker) {
  constexpr int kMost = 20;
  start_with("a", pool());
  daemon_.acquire("a", "first");
  daemon_.remove("/v1/pools/a/sessions/first");
  daemon_.wait_for({.type = "worker_gone"});
  const int idle_fds = open_fds_of(daemon_.pid());
  int failed = 0, ready = 0;
  for (int more = 0; more <= kMost; ++more) {
    allow_fds(1024);
    const std::uint64_t before = last_end();
    allow_fds(idle_fds + more);
    daemon_.post("/v1/pools/a/scale", {{"min", 1}});
    const Json outcome = next_outcome(before);
    ++(outcome.at("type") == "worker_ready" ? ready : failed);
    if (outcome.at("type") == "worker_gone") {
      EXPECT_EQ(outcome.at("reason").at("kind"), "setup_failed") << more << ": " << outcome;
      EXPECT_EQ(outcome.at("reason").at("errno"), EMFILE) << more << ": " << outcome;
    }
    daemon_.post("/v1/pools/a/scale", {{"min", 0}});
    for (const Json& worker : daemon_.workers("a"))  // one that has failed meanwhile is known no more
      daemon_.call("POST", "/v1/workers/" + worker.at("id").get<std::string>() + "/stop");
    daemon_.wait_for_pool("a", [](const Json& one) {
      return one.at("counters").at("started") == one.at("counters").at("gone");
    });
  }
  EXPECT_GT(failed, 0);
  EXPECT_GT(ready, 0);
  EXPECT_EQ(open_fds_of(daemon_.pid()), idle_fds);
  allow_fds(1024);
  daemon_.acquire("a", "s");
}

}  // namespace
}  // namespace herd::test
