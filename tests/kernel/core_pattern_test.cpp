// Pitfall 35: a core_pattern that names a program has the kernel run it as the host's root, outside of every
// sandbox. A limit of 0 does not stop it (core(5)).
#include <sys/resource.h>

#include "tests/support/core_handler.hpp"
#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

class CorePattern : public DaemonTest {
 protected:
  void SetUp() override {
    DaemonTest::SetUp();
    HERD_NEEDS(handler_.is_set(), "a kernel.core_pattern that can be set");
    // In a container it would be run on the host, which does not see this test's files.
    HERD_ONLY_WITH(!handler_.crashed_up_to_a_child().empty(), "core handlers that this test can see");
  }
  void TearDown() override {
    if (limited_.is_running()) limited_.stop();
    DaemonTest::TearDown();
  }
  /// The child that crashes after the worker is the proof that the handler would have told of the worker.
  void expect_no_handler_for(TestDaemon& daemon) {
    const Json session = daemon.acquire("a", "s");
    EXPECT_EQ(ask(session.at("address"), "/lower-core").at("errno"), "EPERM");
    ask(session.at("address"), "/abort");
    const Json gone = daemon.wait_for({.type = "worker_gone", .worker = session.at("worker")});
    EXPECT_EQ(gone.at("reason").at("kind"), "signaled");
    EXPECT_EQ(gone.at("reason").at("signal"), SIGABRT);
    const auto crashed = handler_.crashed_up_to_a_child();
    EXPECT_FALSE(crashed.empty());
    EXPECT_FALSE(crashed.contains(session.at("pid"))) << "a program was run as root for the worker's crash";
  }

  CoreHandler handler_;
  TestDaemon limited_{{.before_exec = [] {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
  }}};
};

TEST_F(CorePattern, ACrashStartsNoHandlerOnTheHost) {
  start_with("a", testee_pool({"serve"}));
  expect_no_handler_for(daemon_);
}

// The daemon raises its limit where it may; where it may not its workers' would be 0, and none starts.
TEST_F(CorePattern, NorWhereTheDaemonHasNoLimitToGive) {
  limited_.write_pool("a", testee_pool({"serve"}, {{"restart", {{"burst", 1}}}}));
  limited_.start();
  const Json first = limited_.wait_for([](const Json& event) {
    return event.at("type") == "worker_ready" || event.at("type") == "worker_gone";
  });
  if (first.at("type") == "worker_ready") return expect_no_handler_for(limited_);
  EXPECT_EQ(first.at("reason").at("kind"), "setup_failed");
  EXPECT_NE(first.at("reason").at("text").get<std::string>().find("limits.core"), std::string::npos) << first;
}

}  // namespace
}  // namespace herd::test
