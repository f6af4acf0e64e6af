// The four policies, entered by the worker or at exec: what a denied call does, to a real worker.
#include <signal.h>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

struct Policy {
  std::string word, enter;
};

void PrintTo(const Policy& policy, std::ostream* out) {
  *out << policy.word << " " << policy.enter;
}

Json under(const Policy& policy, const std::vector<std::string>& behaviour) {
  return testee_pool(behaviour,
                     {{"sandbox", {{"seccomp", {{"policy", policy.word}, {"enter", policy.enter}}}}},
                      {"restart", {{"burst", 1}}}});
}

class Seccomp : public DaemonTest, public ::testing::WithParamInterface<Policy> {
 protected:
  /// The testee's word for what the call gave.
  std::string result() {
    const std::string worker = daemon_.wait_until_ready("a").at("id");
    const Json line = daemon_.wait_for_line(worker, [](const Json& one) { return one.contains("text"); });
    return Json::parse(line.at("text").get<std::string>()).at("result");
  }
};

const Policy kPolicies[] = {{"off", "worker"},   {"off", "exec"},   {"log", "worker"},  {"log", "exec"},
                            {"errno", "worker"}, {"errno", "exec"}, {"kill", "worker"}, {"kill", "exec"}};
INSTANTIATE_TEST_SUITE_P(All, Seccomp, ::testing::ValuesIn(kPolicies),
                         [](const auto& one) { return one.param.word + "_" + one.param.enter; });

TEST_P(Seccomp, TheKernelHasTheFilterBeforeTheWorkerIsServed) {
  start_with("a", under(GetParam(), {"serve"}));
  const Json session = daemon_.acquire("a", "s");
  const bool is_off = GetParam().word == "off";
  const auto status = status_of(session.at("pid").get<pid_t>());
  EXPECT_EQ(status.at("Seccomp"), is_off ? "0" : "2");
  EXPECT_EQ(status.at("Seccomp_filters"), is_off ? "0" : "1");
  EXPECT_EQ(status.at("NoNewPrivs"), "1");
  EXPECT_TRUE(daemon_.worker(session.at("worker")).at("isolation").at("verified"));
  // Off and log are weakenings, and are said.
  const Json weakened = daemon_.get("/v1/pools/a").at("weakened");
  const bool is_weak = is_off || GetParam().word == "log";
  EXPECT_EQ(weakened.dump().find("seccomp") != std::string::npos, is_weak) << weakened;
}

TEST_P(Seccomp, ADeniedCallDoesWhatThePolicySays) {
  // The kernel itself allows it to anybody, so what is refused here is refused by the filter.
  start_with("a", under(GetParam(), {"syscall", "keyctl"}));
  if (GetParam().word == "kill") {
    const Json gone = daemon_.wait_for({.type = "worker_gone", .pool = "a"});
    EXPECT_EQ(gone.at("reason").at("kind"), "denied_syscall") << gone;
  } else {
    EXPECT_EQ(result(), GetParam().word == "errno" ? "EPERM" : "ok");
  }
}

class SeccompEnforced : public DaemonTest, public ::testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, SeccompEnforced, ::testing::Values("x32", "i386"),
                         [](const auto& one) { return one.param; });

// Pitfalls 28, 29: under errno too, and the whole process, not the calling thread alone.
TEST_P(SeccompEnforced, AForeignCallTableEndsTheProcess) {
  start_with("a", under({"errno", "worker"}, {"syscall", GetParam()}));
  const Json gone = daemon_.wait_for({.type = "worker_gone", .pool = "a"});
  EXPECT_EQ(gone.at("reason").at("kind"), "signaled") << gone;
  EXPECT_EQ(gone.at("reason").at("signal"), SIGSYS) << gone;
}

using SeccompSessions = DaemonTest;

TEST_F(SeccompSessions, UnderKillADeniedCallEndsTheSessionWithThatReason) {
  start_with("a", under({"kill", "worker"}, {"serve"}));
  const Json session = daemon_.acquire("a", "s");
  EXPECT_TRUE(ask(session.at("address"), "/denied").is_null());
  const Json ended = daemon_.wait_for({.type = "session_ended", .session = "s"});
  EXPECT_EQ(ended.at("reason").at("kind"), "denied_syscall") << ended;
}

TEST_F(SeccompSessions, UnderErrnoTheWorkerLivesOn) {
  start_with("a", under({"errno", "worker"}, {"serve"}));
  const Json session = daemon_.acquire("a", "s");
  EXPECT_EQ(ask(session.at("address"), "/denied").at("errno"), "EPERM");
  EXPECT_EQ(ask(session.at("address"), "/").at("requests"), 2);
}

}  // namespace
}  // namespace herd::test
