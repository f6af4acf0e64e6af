// Denied calls that herdd is asked about: answered as the filter would have, seen with their arguments, and
// without the audit log.
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>

#include "tests/support/daemon_test.hpp"
#include "tests/support/denied_calls.hpp"
#include "tests/support/herdctl.hpp"
#include "tests/support/rootless.hpp"

namespace herd::test {
namespace {

Json notified(const std::string& policy, const std::string& enter,
              const std::vector<std::string>& behaviour = {"serve"}) {
  const Json seccomp{{"policy", policy}, {"enter", enter}, {"denials", "notify"}};
  return testee_pool(behaviour, {{"sandbox", {{"seccomp", seccomp}}},
                                 {"workers", {{"min", 0}, {"max", 2}}},
                                 {"stop", {{"grace", "1s"}}}});
}

void give_up_audit() {
  if (::prctl(PR_CAPBSET_DROP, CAP_AUDIT_READ, 0, 0, 0) != 0) ::_exit(1);
}

/// Where the audit log can't be read.
class Notified : public DaemonTest {
 protected:
  explicit Notified(DaemonOptions options = {.before_exec = give_up_audit})
      : DaemonTest(std::move(options)) {}
  void start(const Json& pool) {
    start_with("a", pool);
    session_ = daemon_.acquire("a", "s");
    worker_ = session_.at("worker");
  }
  Json ask_worker(const std::string& path) { return ask(session_.at("address"), path); }
  Json wait_for_mount() {
    return daemon_.wait_for([&](const Json& event) {
      return event.at("type") == "seccomp_denied" && event.at("worker") == worker_ &&
             event.at("syscall") == "mount";
    });
  }
  Json end_of_session() { return daemon_.wait_for({.type = "session_ended", .session = "s"}).at("reason"); }
  Json session_;
  std::string worker_;
};

class NotifiedByEntry : public Notified, public ::testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, NotifiedByEntry, ::testing::Values("worker", "exec"),
                         [](const auto& one) { return one.param; });

TEST_P(NotifiedByEntry, AnErrorIsTheProfilesAndTheCallIsSeenWithItsArguments) {
  start(notified("errno", GetParam()));
  EXPECT_EQ(ask_worker("/denied").at("errno"), "EPERM");
  const Json event = wait_for_mount();
  EXPECT_EQ(event.at("session"), "s");
  EXPECT_EQ(event.at("action"), "errno");
  EXPECT_EQ(event.at("comm"), "testee");
  EXPECT_EQ(event.at("count"), 1);
  EXPECT_TRUE(event.at("exe").get<std::string>().ends_with("/testee")) << event;
  const Json& args = event.at("args");
  ASSERT_EQ(args.size(), 6U) << event;
  EXPECT_EQ(args.at(3), "0x0");
  EXPECT_EQ(args.at(4), "0x0");
  EXPECT_TRUE(args.at(0).get<std::string>().starts_with("0x")) << event;
  const Json record = daemon_.worker(worker_);
  const Json last = record.at("last_denials");
  const auto found =
      std::ranges::find(last, Json("mount"), [](const Json& one) { return one.at("syscall"); });
  ASSERT_NE(found, last.end()) << last;
  EXPECT_EQ(found->at("args"), args);
  EXPECT_EQ(record.at("denials_by"), "notify");
  EXPECT_EQ(daemon_.get("/v1/pools/a").at("seccomp").at("denials"), "notify");
  EXPECT_GE(daemon_.get("/v1/pools/a").at("counters").at("denied_calls"), 1);
}

TEST_P(NotifiedByEntry, ALoggedCallIsMadeAndSeen) {
  start(notified("log", GetParam()));
  // The kernel's own answer: there is no such filesystem, or no right to mount one.
  EXPECT_TRUE(ask_worker("/denied").at("errno") == "EPERM" || ask_worker("/denied").at("errno") == "ENODEV");
  const Json event = wait_for_mount();
  EXPECT_EQ(event.at("action"), "log");
  EXPECT_TRUE(event.contains("args"));
}

TEST_P(NotifiedByEntry, AKillEndsTheWorkerAndItsReasonNamesTheCall) {
  start(notified("kill", GetParam()));
  EXPECT_TRUE(ask_worker("/denied").is_null());
  const Json reason = end_of_session();
  EXPECT_EQ(reason.at("kind"), "denied_syscall") << reason;
  EXPECT_EQ(reason.at("name"), "mount") << reason;
  EXPECT_EQ(wait_for_mount().at("action"), "kill_process");
}

TEST_P(NotifiedByEntry, AChildIsAnsweredTooAndIsTheOneThatAKillEnds) {
  daemon_.write_pool("k", notified("kill", GetParam()));
  start(notified("errno", GetParam()));
  EXPECT_EQ(ask_worker("/denied?child").at("errno"), "EPERM");
  EXPECT_EQ(wait_for_mount().at("session"), "s");
  const Json other = daemon_.acquire("k", "t");
  EXPECT_EQ(ask(other.at("address"), "/denied?child").at("errno"), "signal 9");
  EXPECT_EQ(daemon_.get("/v1/pools/k/sessions/t").at("worker"), other.at("worker")) << "its child was ended";
}

TEST_P(NotifiedByEntry, AThreadThatWasThereBeforeIsAnswered) {
  start(notified("errno", GetParam(), {"serve-with-thread"}));
  EXPECT_EQ(ask_worker("/denied?thread").at("errno"), "EPERM");
  EXPECT_EQ(wait_for_mount().at("comm"), "testee");
}

TEST_P(NotifiedByEntry, AThreadIsEndedWithItsProcess) {
  start(notified("kill", GetParam(), {"serve-with-thread"}));
  EXPECT_TRUE(ask_worker("/denied?thread").is_null());
  EXPECT_EQ(end_of_session().at("name"), "mount");
}

TEST_P(NotifiedByEntry, AStormIsAnsweredLate) {
  start(notified("errno", GetParam()));
  ask_worker("/storm?500000");
  daemon_.wait_for({.type = "worker_held_back", .worker = worker_});
  const auto calls = [&] { return daemon_.worker(worker_).at("denied_calls").get<std::uint64_t>(); };
  const std::uint64_t before = calls();
  constexpr auto kTime = 3s;
  EXPECT_LT(cpu_share_of(daemon_.pid(), kTime), 0.3) << "of one processor";
  EXPECT_GT(calls(), before) << "it is held back, not stopped";
  EXPECT_LT(calls() - before, 10'000U);
  const Json other = daemon_.acquire("a", "other");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ask(other.at("address"), "/denied").at("errno"), "EPERM");
  EXPECT_EQ(daemon_.worker(other.at("worker")).at("held_back"), 0);
  daemon_.post("/v1/workers/" + worker_ + "/stop");
  EXPECT_EQ(daemon_.wait_for({.type = "worker_gone", .worker = worker_}).at("reason").at("kind"), "stopped");
}

TEST_P(NotifiedByEntry, ADaemonThatIsKilledLeavesNobodyWaiting) {
  start(notified("errno", GetParam()));
  ask_worker("/storm?500000");
  daemon_.wait_for({.type = "worker_held_back", .worker = worker_});
  daemon_.kill();
  EXPECT_TRUE(daemon_.workers_end_within(kPatience));
}

TEST_P(NotifiedByEntry, TheEndOfTheDaemonEndsThem) {
  start(notified("errno", GetParam()));
  ask_worker("/denied");
  daemon_.stop();
  EXPECT_FALSE(is_running(session_.at("pid")));
}

class NotVerified : public Notified {
 protected:
  std::string why(const std::string& behaviour) {
    start_with("a", testee_pool({behaviour}, {{"sandbox", {{"seccomp", {{"denials", "notify"}}}}},
                                              {"restart", {{"burst", 1}}}}));
    const Json reason = daemon_.wait_for({.type = "worker_gone", .pool = "a"}).at("reason");
    EXPECT_EQ(reason.at("kind"), "not_verified") << reason;
    EXPECT_EQ(reason.at("what"), "seccomp_listener") << reason;
    return reason.at("text").get<std::string>();
  }
};

TEST_F(NotVerified, AWorkerThatNeverHandsItsListenerOver) {
  const std::string text = why("serve-without-listener");
  EXPECT_NE(text.find("never came"), std::string::npos) << text;
}

// It could answer in herdd's place.
TEST_F(NotVerified, AWorkerThatKeepsItsListenerToo) {
  const std::string text = why("serve-keeping-listener");
  EXPECT_NE(text.find("holds one"), std::string::npos) << text;
}

// It hid a copy where the proof can't see it, and takes calls that herdd was about to receive.
TEST_F(Notified, AWorkerWithAHiddenListenerIsEndedAndNobodyElseWaits) {
  daemon_.write_pool("t", notified("errno", "worker", {"serve-hiding-listener"}));
  start(notified("errno", "worker"));
  const std::string thief = daemon_.acquire("t", "thief").at("address");
  EXPECT_EQ(ask(thief, "/denied").at("errno"), "EPERM");
  ask(thief, "/steal");
  const auto is_end = [](const Json& event) {
    return event.at("type") == "session_ended" && event.at("session") == "thief";
  };
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::chrono::nanoseconds longest{0};
  while (!std::ranges::any_of(daemon_.events(), is_end)) {
    const auto asked = std::chrono::steady_clock::now();
    ASSERT_LT(asked, deadline);
    ASSERT_EQ(ask_worker("/denied").at("errno"), "EPERM");
    longest = std::max(longest, std::chrono::steady_clock::now() - asked);
    std::this_thread::sleep_for(5ms);  // or it is held back as a storm
  }
  EXPECT_LT(longest, 1s);
  const Json reason = daemon_.wait_for({.type = "session_ended", .session = "thief"}).at("reason");
  EXPECT_EQ(reason.at("kind"), "not_verified") << reason;
  EXPECT_EQ(reason.at("what"), "seccomp_listener") << reason;
  EXPECT_NE(daemon_.log().find("not verified: seccomp_listener"), std::string::npos);
  EXPECT_EQ(ask_worker("/denied").at("errno"), "EPERM");
  const auto begin = std::chrono::steady_clock::now();
  daemon_.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST_F(Notified, APythonWorkerWithThreadsHandsItsListenerOver) {
  HERD_NEEDS(::access("/usr/bin/python3", X_OK) == 0, "python3");
  const std::string script = R"(
import ctypes, errno, signal, threading, herd
libc = ctypes.CDLL(None, use_errno=True)
entered = threading.Event()
def denied(who):
    result = libc.mount(b'none', b'/proc', b'herd-no-such-type', 0, None)
    print(who, result, errno.errorcode[ctypes.get_errno()], flush=True)
def work():
    entered.wait()
    denied('thread')
thread = threading.Thread(target=work)
thread.start()
herd.enter_sandbox()
herd.notify_ready()
entered.set()
thread.join()
denied('main')
signal.pause()
)";
  Json pool = notified("errno", "worker");
  pool["command"] = {"/usr/bin/python3", "-c", script};
  pool["listen"] = "none";
  pool["workers"] = {{"min", 1}};
  pool["environment"] = {{"PYTHONPATH", HERD_TEST_SDK_PYTHON}};
  pool["sandbox"]["filesystem"]["read_only"].push_back(HERD_TEST_SDK_PYTHON);  // it may lie in /tmp
  start_with("a", pool);
  worker_ = daemon_.wait_until_ready("a").at("id");
  for (const char* line : {"thread -1 EPERM", "main -1 EPERM"})
    daemon_.wait_for_line(worker_, [&](const Json& one) { return one.at("text") == line; });
  wait_for_mount();
}

TEST_F(Notified, HerdctlShowsThemAndTheWayTheyAreSeen) {
  start(notified("errno", "worker"));
  ask_worker("/denied");
  wait_for_mount();
  const Herdctl herdctl(daemon_.socket());
  const std::string table = herdctl.run({"inspect", worker_}).out;
  EXPECT_NE(table.find("denials by       notify"), std::string::npos) << table;
  EXPECT_NE(table.find("ARGUMENTS"), std::string::npos) << table;
  const std::string status = herdctl.run({"status"}).out;
  EXPECT_NE(status.find("asked about denials"), std::string::npos) << status;
  EXPECT_EQ(status.find("denied calls can't be seen"), std::string::npos) << "no pool needs the audit log";
}

TEST_F(Notified, ACommandOfHerdctlRunIsSeenToo) {
  start_with("a", notified("errno", "worker"));
  const Ran ran = Herdctl(daemon_.socket()).run({"run", "a", "--", HERD_TEST_TESTEE, "denied-once"});
  EXPECT_EQ(ran.out, "EPERM\n") << ran.err;
  const Json event = daemon_.wait_for({.type = "seccomp_denied"});
  EXPECT_NE(event.at("message").get<std::string>().find(": mount ("), std::string::npos) << event;
}

TEST_F(Notified, AProgramThatIsMissingFailsAtTheExec) {
  start_with("a", notified("errno", "exec"));
  const Ran ran = Herdctl(daemon_.socket()).run({"run", "a", "--", "/no/such/program"});
  EXPECT_NE(ran.err.find("stage exec"), std::string::npos) << ran.err;
}

TEST_F(Notified, AProfileWithoutExecveIsAClearFailureOfTheRun) {
  const TemporaryDirectory place;
  place.write("profile.json", R"({"base": "worker", "deny": ["execve"]})");
  Json pool = notified("errno", "worker");
  pool["sandbox"]["seccomp"]["profile"] = place.path() + "/profile.json";
  start_with("a", pool);
  const Ran ran = Herdctl(daemon_.socket()).run({"run", "a", "--", "/bin/true"});
  EXPECT_NE(ran.err.find("does not allow execve"), std::string::npos) << ran.err;
}

TEST_F(Notified, AProfileThatCantHandItOverIsRefusedByTheCheck) {
  const TemporaryDirectory place;
  place.write("profile.json", R"({"base": "worker", "deny": ["sendmsg", "execve"]})");
  for (const std::string enter : {"worker", "exec"}) {
    Json pool = notified("errno", enter);
    pool["sandbox"]["seccomp"]["profile"] = place.path() + "/profile.json";
    daemon_.write_pool(enter, pool);
  }
  EXPECT_NE(daemon_.check(), 0);
  const std::string log = daemon_.log();
  EXPECT_NE(log.find("does not allow sendmsg"), std::string::npos) << log;
  EXPECT_NE(log.find("does not allow execve"), std::string::npos) << log;
}

class NotifiedWithoutRoot : public Notified, public ::testing::WithParamInterface<std::string> {
 protected:
  NotifiedWithoutRoot() : Notified(rootless(SubordinateIds::some)) {}
};
INSTANTIATE_TEST_SUITE_P(All, NotifiedWithoutRoot, ::testing::Values("worker", "exec"),
                         [](const auto& one) { return one.param; });

TEST_P(NotifiedWithoutRoot, DeniedCallsAreSeenAndAKillKills) {
  const auto without_cgroup = [](Json pool) {
    pool["sandbox"]["required"] = false;
    return pool;
  };
  daemon_.write_pool("k", without_cgroup(notified("kill", GetParam())));
  start(without_cgroup(notified("errno", GetParam())));
  EXPECT_EQ(ask_worker("/denied").at("errno"), "EPERM");
  EXPECT_TRUE(wait_for_mount().contains("args"));
  const Json other = daemon_.acquire("k", "t");
  EXPECT_TRUE(ask(other.at("address"), "/denied").is_null());
  EXPECT_EQ(daemon_.wait_for({.type = "session_ended", .session = "t"}).at("reason").at("name"), "mount");
}

}  // namespace
}  // namespace herd::test
