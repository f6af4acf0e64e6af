// herdctl seccomp record POOL: what is recorded in a pool's sandbox is what the pool's workers need.
#include <signal.h>
#include <unistd.h>

#include <set>

#include "tests/support/as_user.hpp"
#include "tests/support/daemon_test.hpp"
#include "tests/support/herdctl.hpp"

namespace herd::test {
namespace {

class RecordInPool : public DaemonTest {
 protected:
  void SetUp() override {
    DaemonTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    start_with("a", testee_pool({"serve"}, {{"workers", {{"min", 0}}}, {"stop", {{"grace", "2s"}}}}));
  }
  [[nodiscard]] std::string profile() const { return place_.path() + "/profile.json"; }
  [[nodiscard]] std::vector<std::string> words(const std::vector<std::string>& more) const {
    std::vector<std::string> all{"seccomp", "record", "--output", profile()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  /// All names that the profile allows, whatever the arguments.
  [[nodiscard]] std::set<std::string> allowed() const {
    std::set<std::string> names;
    const Json recorded = Json::parse(text_of(profile()));
    for (const Json& rule : recorded.at("syscalls"))
      if (rule.at("action") == "SCMP_ACT_ALLOW")
        for (const Json& name : rule.at("names")) names.insert(name);
    return names;
  }
  /// Where the pool's own command is reached.
  [[nodiscard]] std::string address_in(const std::string& file) const {
    const std::string mark = "it is reached at ";
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < deadline) {
      const std::string text = text_of(file);
      const std::size_t at = text.find(mark), end = text.find('\n', at);
      if (at != std::string::npos && end != std::string::npos)
        return text.substr(at + mark.size(), end - at - mark.size());
      ::usleep(10'000);
    }
    throw std::runtime_error("no address came: " + text_of(file));
  }
  TemporaryDirectory place_;
  Herdctl herdctl_{daemon_.socket()};
};

TEST_F(RecordInPool, ThePoolsOwnCommandIsReadyUnderItsProfileAndSetUpIsNotInIt) {
  const std::string said = place_.path() + "/said";
  Process recorder(
      {HERD_TEST_HERDCTL, "--socket", daemon_.socket(), "seccomp", "record", "--output", profile(), "a"},
      {{}, {}, said});
  const std::string address = address_in(said);
  EXPECT_EQ(ask(address, "/denied").at("errno"), "EPERM") << "the kernel's own: it has no right to mount";
  EXPECT_TRUE(ask(address, "/").is_object());
  recorder.signal(SIGINT);
  EXPECT_EQ(recorder.wait(kPatience), 0) << text_of(said);
  const auto names = allowed();
  EXPECT_TRUE(names.contains("mount"));
  EXPECT_TRUE(names.contains("accept4") || names.contains("accept"));
  for (const char* of_set_up : {"setsid", "setresuid", "capset", "seccomp", "close_range", "pivot_root"})
    EXPECT_FALSE(names.contains(of_set_up)) << of_set_up;
  EXPECT_NE(text_of(profile()).find("serve"), std::string::npos) << "the command line is said";

  const Json seccomp{{"policy", "kill"}, {"profile", profile()}};
  daemon_.write_pool("tight", testee_pool({"serve"}, {{"sandbox", {{"seccomp", seccomp}}}}));
  daemon_.post("/v1/reload");
  daemon_.wait_until_ready("tight");
  const Json session = daemon_.acquire("tight", "s");
  EXPECT_TRUE(ask(session.at("address"), "/").is_object());
}

TEST_F(RecordInPool, AnotherCommandIsRecordedInThePoolsSandbox) {
  const Ran ran = herdctl_.run(words({"a", "--", "/bin/sh", "-c", "cat /proc/self/status; exit 3"}));
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.err.find("exited with 3"), std::string::npos) << ran.err;
  EXPECT_NE(ran.out.find("\nUid:\t1900"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("\nCapEff:\t0000000000000000\n"), std::string::npos) << ran.out;
  EXPECT_TRUE(allowed().contains("execve")) << "the shell's own";
  EXPECT_EQ(daemon_.workers("a").size(), 0U);
}

TEST_F(RecordInPool, AProfileOnStdoutIsAloneThere) {
  const Ran ran = herdctl_.run({"seccomp", "record", "a", "--", "/bin/echo", "said"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(Json::parse(ran.out).contains("syscalls"));
  EXPECT_NE(ran.err.find("said"), std::string::npos);
}

TEST_F(RecordInPool, APoolWithItsFilterBeforeTheProgramGetsExecve) {
  daemon_.write_pool("e", testee_pool({"serve"}, {{"workers", {{"min", 0}}},
                                                  {"sandbox", {{"seccomp", {{"enter", "exec"}}}}}}));
  daemon_.post("/v1/reload");
  EXPECT_EQ(herdctl_.run(words({"e", "--", "/bin/true"})).code, 0);
  EXPECT_TRUE(allowed().contains("execve"));
  EXPECT_EQ(herdctl_.run(words({"a", "--", "/bin/true"})).code, 0);
  EXPECT_FALSE(allowed().contains("execve"));
}

TEST_F(RecordInPool, TheTimeEndsItAndItsEndIsRecorded) {
  const Ran ran = herdctl_.run(words({"--timeout", "300ms", "a", "--", "/bin/sleep", "1000"}));
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.err.find("as its time was over"), std::string::npos) << ran.err;
  EXPECT_TRUE(allowed().contains("clock_nanosleep")) << ran.err;
}

TEST_F(RecordInPool, WhatCantBeHadIsSaid) {
  Ran ran = herdctl_.run(words({"a", "--", "/no/such/program"}));
  EXPECT_EQ(ran.code, 127) << ran.err;
  EXPECT_NE(ran.err.find("stage exec"), std::string::npos) << ran.err;
  EXPECT_EQ(herdctl_.run(words({"b", "--", "/bin/true"})).code, 3);
  EXPECT_EQ(herdctl_.run(words({"--ptrace", "a", "--", "/bin/true"})).code, 2);
  EXPECT_EQ(herdctl_.run(words({})).code, 2);
}

TEST_F(RecordInPool, AnEndOfTheRecorderEndsTheCommand) {
  Process process(
      {HERD_TEST_HERDCTL, "--socket", daemon_.socket(), "seccomp", "record", "a", "--", "/bin/sleep", "1000"},
      {{}, {}, place_.path() + "/said"});
  daemon_.wait_for({.type = "run_started"});
  process.signal(SIGKILL);
  daemon_.wait_for({.type = "run_ended"});
}

TEST(RecordInPoolRoles, AnOperatorMayRunAndNotRecord) {
  HERD_NEEDS(can_run_workers(), "root and a cgroup tree");
  constexpr uid_t kOperator = 1;
  TestDaemon daemon(
      {.config = {{"control", {{"mode", "0666"}, {"roles", {{"operator", {{"users", {"daemon"}}}}}}}}}});
  daemon.write_pool("a", testee_pool({"serve"}, {{"workers", {{"min", 0}}}}));
  daemon.start();
  const std::string socket = daemon.socket() + ".run";
  ASSERT_EQ(::chown(socket.c_str(), kOperator, 0), 0);
  const Herdctl herdctl(daemon.socket());
  const auto as_operator = [] {
    if (::setgid(kOperator) != 0 || ::setuid(kOperator) != 0) ::_exit(99);
  };
  EXPECT_EQ(herdctl.run({"run", "a", "--", "/bin/true"}, as_operator).code, 0);
  const Ran ran = herdctl.run({"seccomp", "record", "a", "--", "/bin/true"}, as_operator);
  EXPECT_EQ(ran.code, 6) << ran.err;
  EXPECT_NE(ran.err.find("only admins"), std::string::npos) << ran.err;
  daemon.stop();
}

}  // namespace
}  // namespace herd::test
