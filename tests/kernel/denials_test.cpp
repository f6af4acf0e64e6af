// Denied calls are seen: named, with their worker and session, and nobody else's are taken for a worker's.
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>

#include <fstream>

#include "tests/support/daemon_test.hpp"
#include "tests/support/denied_calls.hpp"
#include "tests/support/herdctl.hpp"
#include "tests/support/rootless.hpp"

namespace herd::test {
namespace {

Json serving(const std::string& policy, const Json& sandbox = Json::object()) {
  Json pool = testee_pool(
      {"serve"}, {{"sandbox", {{"seccomp", {{"policy", policy}}}}}, {"workers", {{"min", 0}, {"max", 2}}}});
  pool.merge_patch({{"sandbox", sandbox}});
  return pool;
}

bool is_denial_of(const Json& event, const Json& worker, const std::string& syscall) {
  return event.at("type") == "seccomp_denied" && event.at("worker") == worker &&
         event.at("syscall") == syscall;
}

class Denials : public DaemonTest {
 protected:
  using DaemonTest::DaemonTest;
  void SetUp() override {
    DaemonTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    HERD_NEEDS(can_see_denials(), "audit records of denied calls");
  }
  void start_seeing(const std::string& pool, const Json& spec) {
    start_with(pool, spec);
    EXPECT_EQ(status_when_tested(daemon_).at("denials").at("seen"), true);
  }
  Json wait_for_denial(const Json& worker, const std::string& syscall) {
    return daemon_.wait_for([&](const Json& event) { return is_denial_of(event, worker, syscall); });
  }
  [[nodiscard]] bool was_told(const Json& worker) {
    return std::ranges::any_of(daemon_.events(), [&](const Json& event) {
      return event.at("type") == "seccomp_denied" && event.at("worker") == worker;
    });
  }
  std::uint64_t not_of_workers() {
    return daemon_.get("/v1/status").at("denials").at("not_of_workers").get<std::uint64_t>();
  }
  /// Records come in order: what was made before this has been read after it, and is told with the next one.
  void wait_until_read() {
    const std::uint64_t before = not_of_workers();
    make_denied_calls(1, 4242);
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (not_of_workers() == before) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  }
  UniqueFd lock_ = lock_host("actions_logged");
};

class DenialsByPolicy : public Denials, public ::testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, DenialsByPolicy, ::testing::Values("log", "errno", "kill"),
                         [](const auto& one) { return one.param; });

TEST_P(DenialsByPolicy, ADeniedCallIsAnEventACounterAndInTheWorkersRecord) {
  const std::string& policy = GetParam();
  start_seeing("a", serving(policy));
  const Json session = daemon_.acquire("a", "s");
  const Json worker = session.at("worker");
  ask(session.at("address"), "/denied");
  const Json event = wait_for_denial(worker, "mount");
  EXPECT_EQ(event.at("pool"), "a");
  EXPECT_EQ(event.at("session"), "s") << event;
  EXPECT_EQ(event.at("arch"), daemon_.get("/v1/status").at("host").at("architecture"));
  EXPECT_EQ(event.at("action"), policy == "kill" ? "kill_process" : policy);
  EXPECT_EQ(event.at("comm"), "testee");
  EXPECT_EQ(event.at("count"), 1);
  const Json last = daemon_.worker(worker).at("last_denials");
  const auto found =
      std::ranges::find(last, Json("mount"), [](const Json& one) { return one.at("syscall"); });
  ASSERT_NE(found, last.end()) << last;
  EXPECT_EQ(found->at("count"), 1);
  EXPECT_EQ(found->at("session"), "s");
  EXPECT_TRUE(found->at("exe").get<std::string>().ends_with("/testee")) << last;
  EXPECT_GE(daemon_.get("/v1/pools/a").at("counters").at("denied_calls"), 1);
  EXPECT_NE(daemon_.log().find("seccomp_denied: mount ("), std::string::npos);
  EXPECT_NE(daemon_.call("GET", "/metrics").text.find("herd_syscalls_denied_total{pool=\"a\"}"),
            std::string::npos);
}

TEST_F(Denials, TheReasonOfAKillNamesTheCall) {
  start_seeing("a", serving("kill"));
  const Json session = daemon_.acquire("a", "s");
  EXPECT_TRUE(ask(session.at("address"), "/denied").is_null());
  const Json ended = daemon_.wait_for({.type = "session_ended", .session = "s"});
  EXPECT_EQ(ended.at("reason").at("kind"), "denied_syscall") << ended;
  EXPECT_EQ(ended.at("reason").at("name"), "mount") << ended;
  EXPECT_EQ(daemon_.worker(session.at("worker")).at("reason").at("name"), "mount");
}

TEST_F(Denials, AProgramThatIsKilledAtItsFirstCallsHasThatReasonToo) {
  daemon_.write_pool("b", testee_pool({"syscall", "keyctl"},
                                      {{"sandbox", {{"seccomp", {{"policy", "kill"}, {"enter", "exec"}}}}},
                                       {"restart", {{"burst", 1}}}}));
  start_seeing("a", serving("errno"));
  const Json gone = daemon_.wait_for({.type = "worker_gone", .pool = "b"});
  EXPECT_EQ(gone.at("reason").at("name"), "keyctl") << gone;
}

// Anybody may send that signal: without a record it was not the filter.
TEST_F(Denials, ASignalThatLooksLikeAKillIsNotTakenForOne) {
  start_seeing("a", serving("kill"));
  const Json session = daemon_.acquire("a", "s");
  ask(session.at("address"), "/sigsys");
  const Json ended = daemon_.wait_for({.type = "session_ended", .session = "s"});
  EXPECT_EQ(ended.at("reason").at("kind"), "signaled") << ended;
  EXPECT_EQ(ended.at("reason").at("signal"), SIGSYS) << ended;
}

#ifdef __x86_64__
TEST_F(Denials, AForeignCallTableIsNamedInTheReason) {
  start_seeing("a", testee_pool({"syscall", "i386"}, {{"restart", {{"burst", 1}}}}));
  const Json gone = daemon_.wait_for({.type = "worker_gone", .pool = "a"});
  EXPECT_EQ(gone.at("reason").at("signal"), SIGSYS) << gone;
  EXPECT_NE(gone.at("reason").at("text").get<std::string>().find("getpid of i386"), std::string::npos)
      << gone;
}
#endif

TEST_F(Denials, TwoWorkersAreToldApart) {
  start_seeing("a", serving("errno"));
  const Json one = daemon_.acquire("a", "one"), two = daemon_.acquire("a", "two");
  ask(two.at("address"), "/denied");
  EXPECT_EQ(wait_for_denial(two.at("worker"), "mount").at("session"), "two");
  wait_until_read();
  EXPECT_FALSE(was_told(one.at("worker")));
  EXPECT_EQ(daemon_.worker(one.at("worker")).at("last_denials"), Json::array());
}

// One uid for all: the cgroup tells them apart, and a process that is in none of them is nobody's.
TEST_F(Denials, WorkersOfOneUserAreToldApartAndFromTheUsersOtherProcesses) {
  start_seeing("a", serving("errno", {{"user", "nobody"}}));
  const Json one = daemon_.acquire("a", "one"), two = daemon_.acquire("a", "two");
  const auto uid = daemon_.worker(one.at("worker")).at("uid").get<uid_t>();
  ASSERT_EQ(daemon_.worker(two.at("worker")).at("uid"), uid);
  const std::uint64_t before = not_of_workers();
  make_denied_calls(1, uid);
  ask(two.at("address"), "/denied");
  EXPECT_EQ(wait_for_denial(two.at("worker"), "mount").at("session"), "two");
  wait_until_read();
  EXPECT_FALSE(was_told(one.at("worker")));
  EXPECT_GT(not_of_workers(), before);
}

TEST_F(Denials, TheSameCallAgainIsCountedAndNotRepeated) {
  start_seeing("a", serving("errno"));
  const Json session = daemon_.acquire("a", "s");
  for (int i = 0; i < 50; ++i) ask(session.at("address"), "/denied");
  daemon_.remove("/v1/pools/a/sessions/s");
  daemon_.wait_for({.type = "worker_gone", .worker = session.at("worker")});
  const Json record = daemon_.worker(session.at("worker"));
  EXPECT_EQ(record.at("denied_calls"), 50) << record.at("last_denials");
  int events = 0, calls = 0;
  for (const Json& event : daemon_.events()) {
    if (event.at("type") == "worker_gone") break;
    if (event.at("type") != "seccomp_denied") continue;
    ++events;
    calls += event.at("count").get<int>();
  }
  EXPECT_EQ(calls, 50) << "the rest is told before the worker is gone";
  EXPECT_LE(events, 3);
}

TEST_F(Denials, HerdctlShowsThem) {
  start_seeing("a", serving("errno"));
  const Json session = daemon_.acquire("a", "s");
  ask(session.at("address"), "/denied");
  wait_for_denial(session.at("worker"), "mount");
  const Herdctl herdctl(daemon_.socket());
  const std::string table = herdctl.run({"inspect", session.at("worker")}).out;
  EXPECT_NE(table.find("last denials"), std::string::npos) << table;
  EXPECT_NE(table.find("mount"), std::string::npos) << table;
  EXPECT_NE(herdctl.run({"events"}).out.find("syscall=mount"), std::string::npos);
  const std::string status = herdctl.run({"status"}).out;
  EXPECT_NE(status.find("host denials       seen"), std::string::npos) << status;
}

TEST_F(Denials, ACommandOfHerdctlRunIsSeenToo) {
  start_seeing("a", serving("errno"));
  const Ran ran = Herdctl(daemon_.socket()).run({"run", "a", "--", HERD_TEST_TESTEE, "denied-once"});
  EXPECT_EQ(ran.out, "EPERM\n") << ran.err;
  const Json event = daemon_.wait_for({.type = "seccomp_denied"});
  EXPECT_NE(event.at("message").get<std::string>().find(": mount ("), std::string::npos) << event;
}

class DenialsUnseen : public Denials {
 protected:
  static void give_up_audit() {
    if (::prctl(PR_CAPBSET_DROP, CAP_AUDIT_READ, 0, 0, 0) != 0) ::_exit(1);
  }
  DenialsUnseen() : Denials({.before_exec = give_up_audit}) {}
};

TEST_F(DenialsUnseen, WithoutTheCapabilityTheStatusSaysSoAndThePolicyStillHolds) {
  start_with("a", serving("kill"));
  const Json status = status_when_tested(daemon_);
  EXPECT_EQ(status.at("denials").at("seen"), false);
  EXPECT_NE(status.at("denials").at("why_not").get<std::string>().find("CAP_AUDIT_READ"), std::string::npos);
  EXPECT_NE(status.at("warnings").dump().find("denied calls can't be seen"), std::string::npos);
  const Json session = daemon_.acquire("a", "s");
  ask(session.at("address"), "/denied");
  const Json reason = daemon_.wait_for({.type = "session_ended", .session = "s"}).at("reason");
  EXPECT_EQ(reason.at("kind"), "denied_syscall");
  EXPECT_TRUE(reason.at("name").is_null());
  EXPECT_NE(reason.at("text").get<std::string>().find("unknown syscall"), std::string::npos) << reason;
}

class DenialsWithoutRoot : public Denials {
 protected:
  DenialsWithoutRoot() : Denials(rootless(SubordinateIds::none)) {}
};

TEST_F(DenialsWithoutRoot, TheStatusSaysWhy) {
  daemon_.start();
  const Json status = status_when_tested(daemon_);
  EXPECT_EQ(status.at("denials").at("seen"), false);
  EXPECT_NE(status.at("host").at("denials").get<std::string>().find("first user namespace"),
            std::string::npos)
      << status;
}

/// The host's own setting, put back at the end.
class ActionsLogged {
 public:
  explicit ActionsLogged(const std::string& words) : before_(text_of(kFile)) { write(words); }
  ~ActionsLogged() { write(before_); }
  ActionsLogged(const ActionsLogged&) = delete;
  ActionsLogged& operator=(const ActionsLogged&) = delete;

 private:
  static constexpr const char* kFile = "/proc/sys/kernel/seccomp/actions_logged";
  static void write(const std::string& words) { std::ofstream(kFile) << words; }
  std::string before_;
};

TEST_F(Denials, AHostThatDoesNotLogErrnoIsFoundOutAndDelaysNothing) {
  const ActionsLogged without("kill_process kill_thread log");
  const auto begin = std::chrono::steady_clock::now();
  start_with("a", serving("errno"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s) << "the daemon does not wait for a record";
  const Json status = status_when_tested(daemon_);
  EXPECT_EQ(status.at("denials").at("seen"), false);
  EXPECT_NE(status.at("denials").at("why_not").get<std::string>().find("lacks errno"), std::string::npos)
      << status;
}

}  // namespace
}  // namespace herd::test
