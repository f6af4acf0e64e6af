// A worker serves nobody until its isolation is proven, and only the worker itself can say that it is ready.
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

class Verification : public DaemonTest {
 protected:
  /// The pool is expected to fail: the reason of its first worker's end.
  Json reason_of_first_end() { return daemon_.wait_for({.type = "worker_gone", .pool = "a"}).at("reason"); }
  void expect_never_served() {
    const Reply reply = daemon_.call("POST", "/v1/pools/a/sessions", {{"session", "s"}, {"timeout", "2s"}});
    EXPECT_GE(reply.status, 500U) << reply.text;
    for (const Json& event : daemon_.events()) {
      EXPECT_NE(event.at("type"), "worker_ready") << event;
      EXPECT_NE(event.at("type"), "session_started") << event;
    }
  }
};

const Json kFailsAtOnce{{"restart", {{"burst", 1}}}};

// Pitfall 25.
TEST_F(Verification, AWorkerThatNeverEntersItsSandboxIsNeverServed) {
  start_with("a", testee_pool({"serve-no-sandbox"}, kFailsAtOnce));
  const Json reason = reason_of_first_end();
  EXPECT_EQ(reason.at("kind"), "not_verified");
  EXPECT_NE(reason.at("what").get<std::string>().find("seccomp"), std::string::npos) << reason;
  expect_never_served();
}

// It has the worker's listener and files, and none of its filter.
TEST_F(Verification, AChildThatWasForkedBeforeTheSandboxIsSeen) {
  start_with("a", testee_pool({"child-before-entering"}, kFailsAtOnce));
  const Json reason = reason_of_first_end();
  EXPECT_EQ(reason.at("kind"), "not_verified");
  EXPECT_NE(reason.at("what").get<std::string>().find("seccomp"), std::string::npos) << reason;
  expect_never_served();
}

TEST_F(Verification, AProgramThatSaysNothingIsGivenItsTimeToEnterAndNoMore) {
  Json pool = testee_pool({"serve-no-sandbox"}, kFailsAtOnce);
  pool["ready"] = {{"started", true}, {"timeout", "1s"}};
  start_with("a", pool);
  EXPECT_EQ(reason_of_first_end().at("kind"), "not_verified");
  expect_never_served();
}

TEST_F(Verification, OneThatEntersLateIsServedOnceItHas) {
  Json pool = testee_pool({"slow-start", "200"});
  pool["ready"] = {{"started", true}, {"timeout", "20s"}};
  start_with("a", pool);
  const Json record = daemon_.wait_until_ready("a");
  EXPECT_TRUE(record.at("isolation").at("verified"));
  EXPECT_EQ(status_of(record.at("pid").get<pid_t>())["Seccomp"], "2");
}

// Pitfall 24: a thread that was there before the worker entered is as much in the sandbox.
TEST_F(Verification, EnteringReachesEveryThread) {
  start_with("a", testee_pool({"threads-then-enter"}));
  const pid_t pid = daemon_.wait_until_ready("a").at("pid");
  const auto threads = threads_of(pid);
  EXPECT_EQ(threads.size(), 5U);
  for (const pid_t thread : threads) {
    const auto status = status_of(std::to_string(pid) + "/task/" + std::to_string(thread));
    EXPECT_EQ(status.at("Seccomp"), "2") << thread;
    EXPECT_EQ(status.at("NoNewPrivs"), "1") << thread;
  }
}

// Pitfall 23: the kernel answers with the thread's id, which is no success.
TEST_F(Verification, WhereAThreadCannotEnterTheWorkerIsToldAndNeverServed) {
  start_with("a", testee_pool({"tsync-fail"}, kFailsAtOnce));
  const Json gone = daemon_.wait_for({.type = "worker_gone", .pool = "a"});
  EXPECT_EQ(gone.at("reason").at("kind"), "not_verified");
  const Json line = daemon_.wait_for_line(gone.at("worker"), [](const Json&) { return true; });
  EXPECT_NE(Json::parse(line.at("text").get<std::string>()).at("result"), 0) << line;
  expect_never_served();
}

TEST_F(Verification, ReadyFromAnotherProcessOfTheWorkerIsRefused) {
  Json pool = testee_pool({"ready-from-child"}, kFailsAtOnce);
  pool["ready"]["timeout"] = "400ms";
  start_with("a", pool);
  EXPECT_EQ(reason_of_first_end().at("kind"), "ready_timeout");
  EXPECT_NE(daemon_.log().find("READY=1 came from another process"), std::string::npos);
  expect_never_served();
}

UniqueFd listen_on(const std::string& address) {
  sockaddr_in wanted{};
  wanted.sin_family = AF_INET;
  wanted.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  wanted.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&wanted), sizeof wanted) != 0 ||
      ::listen(fd.get(), 8) != 0)
    return {};
  return fd;
}

// Pitfall 52: between the choice of the port and the worker's bind another program takes it, and answers.
TEST_F(Verification, APortThatAnotherProgramTookIsNotTheWorkers) {
  start_with("a", testee_pool({"connect-later", "1500"}, {{"listen", "port"},
                                                          {"ready", {{"connect", true}, {"timeout", "10s"}}},
                                                          {"restart", {{"burst", 1}}},
                                                          {"sandbox", {{"seccomp", "off"}}}}));
  const Json worker = daemon_.workers("a").at(0);
  const UniqueFd thief = listen_on(worker.at("address"));
  ASSERT_TRUE(thief) << "the worker was first";
  pollfd probed{thief.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&probed, 1, 5000), 1) << "the daemon did not look at the port";
  EXPECT_EQ(reason_of_first_end().at("code"), 70) << "it could not bind its port";
  EXPECT_NE(daemon_.log().find("is answered by a process that is not this worker's"), std::string::npos);
  expect_never_served();
}

TEST_F(Verification, APortOfTheWorkersOwnIsReadyByConnect) {
  start_with("a", testee_pool({"listen-own-port"}, {{"listen", "port"},
                                                    {"ready", {{"connect", true}}},
                                                    {"sandbox", {{"seccomp", {{"enter", "exec"}}}}}}));
  EXPECT_EQ(ask_session("a", "s", "/").at("pool"), "a");
}

// What is around a worker is proven when its program starts; what it is, when it is ready.
TEST_F(Verification, AWorkerThatHasMadeItselfAUserNamespaceIsNotServed) {
  Json pool =
      testee_pool({}, {{"listen", "port"}, {"sandbox", {{"seccomp", "off"}}}, {"restart", {{"burst", 1}}}});
  pool["command"] = {"/usr/bin/unshare", "--user",  "/usr/bin/python3", "-m",
                     "http.server",      "${PORT}", "--bind",           "127.0.0.1"};
  start_with("a", pool);
  const Json reason = daemon_.wait_for({.type = "worker_gone", .pool = "a"}).at("reason");
  EXPECT_EQ(reason.at("kind"), "not_verified") << reason;
  EXPECT_NE(reason.dump().find("capabilities"), std::string::npos) << reason;
}

}  // namespace
}  // namespace herd::test
