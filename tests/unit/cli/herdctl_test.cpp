// herdctl against a control server with a fake daemon behind it: what it prints and how it exits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "tests/unit/cli/harness.hpp"

namespace herd::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(Herdctl, TablesLineUp) {
  EXPECT_EQ(run({"pools"}).out,
            "POOL  STATE    STARTING  IDLE  BOUND  STOPPING  MIN  MAX  SPARE  QUEUED  SESSIONS  NOTE\n"
            "web   running  0         1     2      0         1    10   1      0       2         -\n");
  const Ran workers = run({"workers", "web"});
  EXPECT_EQ(workers.code, kOk);
  EXPECT_THAT(workers.out, HasSubstr("WORKER  STATE  PID   SESSION  VERIFIED  AGE"));
  EXPECT_THAT(workers.out, HasSubstr("web-1   bound  4711  alice    yes "));
  EXPECT_THAT(workers.out, HasSubstr("12.0 MiB"));
  EXPECT_THAT(run({"sessions"}).out, HasSubstr("1m15s"));
}

TEST_F(Herdctl, StatusShowsWarnings) {
  const Ran status = run({"status"});
  EXPECT_THAT(status.out, HasSubstr("up          1h1m\n"));
  EXPECT_THAT(status.out, HasSubstr("warnings\n  denials can't be seen\n"));
}

TEST_F(Herdctl, InspectPutsWantedAndFoundSideBySide) {
  const Ran inspect = run({"inspect", "web-1"});
  EXPECT_THAT(inspect.out, HasSubstr("  PART          WANTED  FOUND  OK\n"
                                     "  no_new_privs  1       1      yes\n"
                                     "  pids.max      100     max    NO\n"));
  EXPECT_THAT(inspect.out,
              HasSubstr("last denials\n"
                        "  SYSCALL   ARCH    ACTION  TIMES  LAST                  SESSION  PROGRAM\n"
                        "  mount     x86_64  errno   12     2024-05-01T10:00:03Z  alice    /bin/a?\n"
                        "  (others)  -       -       1      -                     -        -\n"));
}

TEST_F(Herdctl, LinesAreCutToATerminalOnly) {
  const Ran cut = run({"pools"}, {.is_tty = true, .columns = 12});
  EXPECT_EQ(cut.out, "POOL  STATE\u2026\nweb   runni\u2026\n");
  EXPECT_THAT(run({"pools"}, {.is_tty = true, .colours = true}).out, HasSubstr("\x1b[1mPOOL"));
  EXPECT_THAT(run({"pools"}, {.is_tty = true}).out, Not(HasSubstr("\x1b")));
}

TEST_F(Herdctl, JsonIsWhatTheDaemonSaid) {
  EXPECT_EQ(Json::parse(run({"-o", "json", "pools"}).out), (Json{{"pools", {FakeService::pool_record()}}}));
  EXPECT_EQ(Json::parse(run({"workers", "-o", "json"}).out)["workers"][0]["id"], "web-1");
}

TEST_F(Herdctl, ExitCodesTellWhatHappened) {
  EXPECT_EQ(run({"workers", "nope"}).code, kNotFound);
  with_service([](FakeService& service) { service.mode = FakeService::Acquire::refused; });
  for (const auto& [status, code] :
       {std::pair(429U, kTryAgain), {503U, kTryAgain}, {504U, kTryAgain}, {409U, kRefused}}) {
    with_service([status = status](FakeService& service) { service.refusal.status = status; });
    EXPECT_EQ(run({"acquire", "web"}).code, code) << status;
  }
  with_service([](FakeService& service) { service.role = config::Role::none; });
  EXPECT_EQ(run({"status"}).code, kForbidden);
  EXPECT_EQ(run_plain({"--socket", "/nonexistent/x.sock", "status"}).code, kUnreachable);
}

TEST_F(Herdctl, ErrorsHaveAMessageAndAHint) {
  with_service([](FakeService& service) { service.mode = FakeService::Acquire::refused; });
  const Ran refused = run({"acquire", "web"});
  EXPECT_EQ(refused.out, "");
  EXPECT_EQ(refused.err, "herdctl: the queue of pool 'web' is full\n  hint: raise sessions.queue_limit\n");
  EXPECT_EQ(Json::parse(run({"-o", "json", "acquire", "web"}).err)["error"]["code"], "queue_full");
  EXPECT_THAT(
      run_plain({"--socket", "/nonexistent/x.sock", "pools"}).err,
      HasSubstr(
          "herdctl: cannot reach herdd at /nonexistent/x.sock: No such file or directory; is it running?"));
}

TEST_F(Herdctl, WrongUsageIs2AndSaysWhatWasMeant) {
  EXPECT_EQ(run({"statsu"}).err, "herdctl: unknown verb 'statsu'; did you mean 'status'?\n");
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"statsu"},
                                                                     {},
                                                                     {"pools", "--verbose"},
                                                                     {"inspect"},
                                                                     {"-o", "xml", "pools"},
                                                                     {"scale", "web"},
                                                                     {"scale", "web", "--min", "-1"},
                                                                     {"acquire", "web", "--timeout", "soon"},
                                                                     {"acquire", "web", "--lease", "forever"},
                                                                     {"pools", "--", "ls"}}) {
    const Ran wrong = run(arguments);
    EXPECT_EQ(wrong.code, kUsage) << testing::PrintToString(arguments);
    EXPECT_THAT(wrong.err, testing::StartsWith("herdctl: "));
  }
}

TEST_F(Herdctl, HelpHasTheExitCodes) {
  const Ran help = run({"--help"});
  EXPECT_EQ(help.code, kOk);
  EXPECT_THAT(help.out, HasSubstr("5 cannot reach the daemon"));
}

TEST_F(Herdctl, TheSocketMayComeFromTheEnvironment) {
  setenv("HERD_SOCKET", harness.path.c_str(), 1);
  const Ran ran = run_plain({"pools"});
  unsetenv("HERD_SOCKET");
  EXPECT_EQ(ran.code, kOk);
}

TEST_F(Herdctl, OperationsReachTheDaemon) {
  EXPECT_EQ(run({"scale", "web", "--min", "2", "--spare", "1"}).code, kOk);
  EXPECT_EQ(run({"drain", "web"}).out, "web: draining\n");
  EXPECT_EQ(run({"resume", "web"}).code, kOk);
  EXPECT_EQ(run({"restart", "web"}).code, kOk);
  EXPECT_EQ(run({"stop", "web-1"}).code, kOk);
  EXPECT_EQ(run({"release", "web", "alice"}).out, "alice: released\n");
  EXPECT_THAT(harness.on_loop([&] { return harness.service.calls; }),
              testing::ElementsAre("scale web 2 - 1", "drain web", "resume web", "restart web", "stop web-1",
                                   "release web alice"));
}

TEST_F(Herdctl, ReloadPrintsThePlan) {
  const Ran dry = run({"reload", "--dry-run"});
  EXPECT_THAT(dry.out, HasSubstr("POOL  FIELD           BEFORE  AFTER   APPLIES\n"
                                 "web   /limits/memory  256MiB  512MiB  next_spawn\n"));
  EXPECT_THAT(dry.out, HasSubstr("nothing was changed"));
  EXPECT_THAT(run({"reload"}).out, Not(HasSubstr("nothing was changed")));
}

TEST_F(Herdctl, EventsAndLogsAreLines) {
  with_service([](FakeService& service) {
    service.emit({{"time", "T"},
                  {"type", "worker_gone"},
                  {"pool", "web"},
                  {"worker", "web-1"},
                  {"session", nullptr},
                  {"reason", {{"kind", "exited"}, {"code", 1}, {"signal", 0}}}});
    service.log_ring->append({1'714'557'600'000'000, false, "", "red \x1b[31m"}, 10);
  });
  EXPECT_EQ(run({"events"}).out, "1  T  worker_gone  pool=web  worker=web-1  reason=exited code=1\n");
  EXPECT_EQ(Json::parse(run({"-o", "json", "events"}).out)["seq"], 1);
  EXPECT_EQ(run({"events", "--since", "1"}).out, "");
  EXPECT_EQ(run({"logs", "web-1"}).out, "2024-05-01T10:00:00.000000Z stdout - | red \x1b[31m\n");
  EXPECT_THAT(run({"logs", "web-1"}, {.is_tty = true}).out, HasSubstr("red ?[31m"));
  EXPECT_EQ(run({"logs", "web-9"}).code, kNotFound);
}

TEST_F(Herdctl, FollowingEventsEndsWithTheDaemon) {
  with_service([](FakeService& service) { service.emit({{"type", "x"}}); });
  std::thread stopper([&] {
    wait_for_stream();
    harness.stop().wait();
  });
  const Ran followed = run({"events", "-f"});
  stopper.join();
  EXPECT_EQ(followed.code, kOk);
  EXPECT_THAT(followed.out, HasSubstr("x\n"));
}

TEST_F(Herdctl, AcquirePrintsTheSession) {
  const Ran ran = run({"acquire", "web", "bob", "--timeout", "5s"});
  EXPECT_EQ(ran.code, kOk);
  EXPECT_EQ(ran.out, "session  bob\nworker   web-1\npid      4711\naddress  unix:/run/w\ncreated  yes\n");
  EXPECT_EQ(harness.on_loop([&] { return harness.service.acquires.back().timeout; }), Duration{5000});
}

TEST_F(Herdctl, ACommandGetsTheSessionAndItsExitStatusIsOurs) {
  with_service([](FakeService& service) { service.lease_is_connection = true; });
  const std::string file = harness.directory / "environment";
  const Ran ran = run({"acquire", "web", "bob", "--", "sh", "-c",
                       "echo $HERD_SESSION $HERD_ADDRESS $HERD_PID > " + file + "; exit 7"});
  EXPECT_EQ(ran.code, 7);
  std::string line;
  std::ifstream in(file);
  std::getline(in, line);
  EXPECT_EQ(line, "bob unix:/run/w 4711");
  EXPECT_EQ(harness.on_loop([&] { return harness.service.acquires.back().lease; }),
            config::Lease::connection);
  EXPECT_TRUE(harness.eventually([&] { return harness.service.closed_leases.contains(1); }));
  EXPECT_EQ(run({"acquire", "web", "--", "sh", "-c", "kill -9 $$"}).code, 128 + SIGKILL);
  EXPECT_EQ(run({"acquire", "web", "--", "/nonexistent/program"}).code, kCommandNotRun);
}

TEST_F(Herdctl, ACommandWithAnIdleLeaseReleasesAtItsEnd) {
  EXPECT_EQ(run({"acquire", "web", "alice", "--lease", "idle", "--", "true"}).code, 0);
  EXPECT_THAT(harness.on_loop([&] { return harness.service.calls; }),
              testing::ElementsAre("release web alice"));
}

TEST_F(Herdctl, AHeldLeaseEndsWithItsSession) {
  with_service([](FakeService& service) { service.lease_is_connection = true; });
  std::thread ender([&] {
    wait_for_stream();
    with_service([](FakeService& service) {
      service.emit({{"type", "session_ended"},
                    {"pool", "web"},
                    {"session", "bob"},
                    {"reason", {{"kind", "oom_killed"}}}});
    });
  });
  const Ran ran = run({"acquire", "web", "bob", "--lease", "connection"});
  ender.join();
  EXPECT_EQ(ran.code, kRefused);
  EXPECT_EQ(ran.err, "herdctl: the session ended: oom_killed\n");
}

TEST_F(Herdctl, CtrlCEndsAHeldLeaseWell) {
  with_service([](FakeService& service) { service.lease_is_connection = true; });
  sigset_t interrupt, before;  // blocked in here too, so that one that comes early stays for herdctl to find
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  pthread_sigmask(SIG_BLOCK, &interrupt, &before);
  const pthread_t here = pthread_self();
  std::thread sender([&] {
    wait_for_stream();
    pthread_kill(here, SIGINT);
  });
  const Ran ran = run({"acquire", "web", "bob", "--lease", "connection"});
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  sender.join();
  EXPECT_EQ(ran.code, kOk);
  EXPECT_TRUE(harness.eventually([&] { return harness.service.closed_leases.contains(1); }));
}

TEST_F(Herdctl, CheckNeedsNoDaemon) {
  const Ran missing = run_plain({"check", "--config", harness.directory / "none.json"});
  EXPECT_EQ(missing.code, kNotFound);
  EXPECT_THAT(missing.err, HasSubstr("none.json"));
  const Ran json = run_plain({"check", "--config", harness.directory / "none.json", "-o", "json"});
  EXPECT_EQ(Json::parse(json.out)["ok"], false);
  const std::string file = harness.directory / "herd.json";
  std::filesystem::create_directory(harness.directory / "pools.d");
  std::ofstream(file) << R"({"pools_directory": "pools.d"})";
  std::filesystem::permissions(file, std::filesystem::perms(0600));
  const Ran good = run_plain({"check", "--config", file});
  EXPECT_EQ(good.code, kOk) << good.err;
  EXPECT_THAT(good.out, HasSubstr("ok, 0 pools"));
}

TEST_F(Herdctl, SchemaNeedsNoDaemon) {
  EXPECT_TRUE(Json::parse(run_plain({"config", "schema", "pool"}).out).is_object());
  EXPECT_TRUE(Json::parse(run_plain({"config", "schema"}).out).contains("daemon"));
  EXPECT_EQ(run_plain({"config", "schema", "other"}).code, kUsage);
}

TEST_F(Herdctl, VersionWorksWithoutADaemon) {
  EXPECT_EQ(run({"version"}).out, "herdctl  0.1.0\nherdd    0.1.0\n");
  EXPECT_EQ(run_plain({"--socket", "/nonexistent/x", "version"}).out, "herdctl  0.1.0\nherdd    -\n");
}

}  // namespace
}  // namespace herd::cli
