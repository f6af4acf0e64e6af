// The gateway as herdd runs it: a worker like the others, in front of them.
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include "daemon/worker/listener.hpp"
#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

std::string free_address() {
  return "127.0.0.1:" + std::to_string(worker::pick_port({}).value());
}

/// The session is the first segment of the path, and the worker sees the rest.
Json routed_pool(const Json& overrides = Json::object()) {
  Json pool = testee_pool(
      {"serve"}, {{"workers", {{"min", 0}, {"max", 4}}},
                  {"gateway", {{"prefix", "/a/"}, {"session", {{"path", true}}}, {"strip_prefix", true}}}});
  pool.merge_patch(overrides);
  return pool;
}

class Gateway : public DaemonTest {
 protected:
  explicit Gateway(const std::string& address = free_address())
      : DaemonTest({.config = {{"gateway", {{"listen", {address}}}}}}), address_("tcp:" + address) {}

  Json ask_gateway(const std::string& path) { return ask(address_, path); }
  Json session(const std::string& name) { return daemon_.get("/v1/pools/a/sessions/" + name); }
  /// The record of the gateway that serves.
  Json gateway() {
    const Json workers = daemon_.get("/v1/status").at("gateway").at("workers");
    return daemon_.worker(workers.back());
  }
  Json wait_for_status(const std::function<bool(const Json&)>& predicate) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (true) {
      Json status = daemon_.get("/v1/status").at("gateway");
      if (predicate(status)) return status;
      if (std::chrono::steady_clock::now() > deadline)
        throw std::runtime_error("the gateway did not come so far: " + status.dump());
    }
  }
  Json wait_until_serving() {
    return wait_for_status([](const Json& status) { return status.at("ready") == true; });
  }
  std::string metrics() { return daemon_.call("GET", "/metrics").text; }

  std::string address_;
};

/// A request with a body of five bytes, of which two have been sent.
class OpenRequest {
 public:
  OpenRequest(const std::string& address, const std::string& path) : socket_(connect_to(address)) {
    send("POST " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nab");
  }
  std::string finish() {
    send("cde");
    const timeval patience{kPatience.count(), 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::string answer;
    char block[4096];
    for (ssize_t count = 0; (count = ::recv(socket_.get(), block, sizeof block, 0)) > 0;)
      answer.append(block, static_cast<std::size_t>(count));
    return answer;
  }

 private:
  void send(const std::string& text) const {
    EXPECT_EQ(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  UniqueFd socket_;
};

TEST_F(Gateway, BringsEachSessionToItsOwnWorker) {
  start_with("a", routed_pool());
  const std::string first = ask_gateway("/a/alice/").at("worker");
  const std::string second = ask_gateway("/a/bob/").at("worker");
  EXPECT_NE(first, second);
  EXPECT_EQ(ask_gateway("/a/alice/").at("worker"), first);
  EXPECT_EQ(session("alice").at("worker"), first);
  EXPECT_EQ(ask_gateway("/a/alice/").at("requests"), 3);
}

TEST_F(Gateway, IsAWorkerWithNothingOfTheHosts) {
  start_with("a", routed_pool());
  wait_until_serving();
  const Json record = gateway();
  EXPECT_EQ(record.at("isolation").at("verified"), true);
  EXPECT_TRUE(record.at("isolation").at("left_out").empty()) << record;
  auto status = status_of(record.at("pid").get<pid_t>());
  EXPECT_NE(status["Uid"].substr(0, 2), "0\t");
  EXPECT_EQ(status["CapPrm"], "0000000000000000");
  EXPECT_EQ(status["NoNewPrivs"], "1");
  EXPECT_EQ(status["Seccomp"], "2");
  EXPECT_EQ(ask_gateway("/a/alice/").at("pool"), "a") << "and it serves";
  EXPECT_EQ(daemon_.worker(record.at("id")).at("denied_calls"), 0) << daemon_.worker(record.at("id"));
}

TEST_F(Gateway, ReachesAWorkerOnAPortOfTheHosts) {
  start_with("a", routed_pool({{"listen", "tcp"}}));
  EXPECT_EQ(ask_gateway("/a/alice/").at("pool"), "a");
}

TEST_F(Gateway, ReachesAWorkerOnAPortInANetworkOfItsOwn) {
  start_with("a", routed_pool({{"command", {HERD_TEST_TESTEE, "listen-own-port", "${PORT}"}},
                               {"listen", "port"},
                               {"sandbox", {{"network", "loopback"}, {"seccomp", "off"}}}}));
  EXPECT_EQ(ask_gateway("/a/alice/").at("pool"), "a");
}

TEST_F(Gateway, AnOpenRequestHoldsItsSession) {
  start_with("a", routed_pool({{"sessions", {{"idle_timeout", "300ms"}}}}));
  OpenRequest open(address_, "/a/alice/echo");
  const Json bound = daemon_.wait_for({.type = "session_started", .pool = "a"});
  daemon_.acquire("a", "short");
  daemon_.wait_for({.type = "session_ended", .pool = "a", .session = "short"});
  EXPECT_EQ(session("alice").at("worker"), bound.at("worker"));
  EXPECT_EQ(session("alice").at("holders"), 1);
  EXPECT_NE(open.finish().find("\r\n\r\nabcde"), std::string::npos);
  EXPECT_EQ(
      daemon_.wait_for({.type = "session_ended", .pool = "a", .session = "alice"}).at("reason").at("kind"),
      "idle_evicted");
}

TEST_F(Gateway, AWorkerThatDiedIsFollowedByANewOne) {
  start_with("a", routed_pool());
  const std::string first = ask_gateway("/a/alice/").at("worker");
  ::kill(daemon_.worker(first).at("pid").get<pid_t>(), SIGKILL);
  daemon_.wait_for({.type = "session_ended", .pool = "a", .session = "alice"});
  EXPECT_NE(ask_gateway("/a/alice/").at("worker"), first);
}

TEST_F(Gateway, AWorkerThatDiesOfARequestIsNamedWithItsReason) {
  start_with("a", routed_pool());
  const UniqueFd socket = connect_to(address_);
  const std::string request =
      "POST /a/alice/crash HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  ASSERT_EQ(::send(socket.get(), request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  std::string answer;
  char block[4096];
  for (ssize_t count = 0; (count = ::recv(socket.get(), block, sizeof block, 0)) > 0;)
    answer.append(block, static_cast<std::size_t>(count));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 502 ")) << answer;
  EXPECT_NE(answer.find("\"worker_gone\""), std::string::npos) << answer;
  EXPECT_NE(answer.find("\"signaled\""), std::string::npos) << answer;
}

TEST_F(Gateway, AKilledGatewayIsFollowedByAnotherAndNobodyIsRefused) {
  start_with("a", routed_pool());
  const std::string worker = ask_gateway("/a/alice/").at("worker");
  const Json first = gateway();
  ::kill(first.at("pid").get<pid_t>(), SIGKILL);
  EXPECT_EQ(ask_gateway("/a/alice/").at("worker"), worker)
      << "the listener is herdd's, and so is the session";
  const Json second = gateway();
  EXPECT_NE(second.at("id"), first.at("id"));
  EXPECT_EQ(daemon_.get("/v1/status").at("gateway").at("restarts"), 1);
}

TEST_F(Gateway, AKilledGatewayHoldsNothingAnyMore) {
  start_with("a", routed_pool({{"sessions", {{"idle_timeout", "300ms"}}}}));
  const OpenRequest open(address_, "/a/alice/echo");
  daemon_.wait_for({.type = "session_started", .pool = "a"});
  ::kill(gateway().at("pid").get<pid_t>(), SIGKILL);
  daemon_.wait_for({.type = "session_ended", .pool = "a", .session = "alice"});
}

TEST_F(Gateway, ARouteComesAndGoesWithAReload) {
  start_with("a", routed_pool());
  EXPECT_EQ(ask_gateway("/b/alice/").at("error").at("code"), "unknown_route");
  daemon_.write_pool("b", routed_pool({{"gateway", {{"prefix", "/b/"}}}}));
  daemon_.post("/v1/reload");
  Json answer;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  do {
    answer = ask_gateway("/b/alice/");
  } while (!answer.contains("pool") && std::chrono::steady_clock::now() < deadline);
  EXPECT_EQ(answer.at("pool"), "b");
}

TEST_F(Gateway, AListenerComesAndGoesWithAReload) {
  start_with("a", routed_pool());
  EXPECT_EQ(ask_gateway("/a/alice/").at("pool"), "a");
  const std::string door = daemon_.directory() + "/door";
  daemon_.write_config({{"gateway", {{"listen", {"unix:" + door}}}}});
  daemon_.post("/v1/reload");
  EXPECT_EQ(ask("unix:" + door, "/a/alice/").at("pool"), "a");
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (connect_to(address_) && std::chrono::steady_clock::now() < deadline) {
  }
  EXPECT_FALSE(connect_to(address_)) << "its last holder has closed it";
  EXPECT_EQ(daemon_.get("/v1/status").at("gateway").at("listen"), Json({"unix:" + door}));
}

TEST_F(Gateway, AListenerThatCantBeHadChangesNothing) {
  start_with("a", routed_pool());
  const std::string before = ask_gateway("/a/alice/").at("worker");
  daemon_.write_config({{"gateway", {{"listen", {"192.0.2.1:80"}}}}});
  const Reply refused = daemon_.call("POST", "/v1/reload");
  EXPECT_EQ(refused.status, 422U);
  EXPECT_NE(refused.text.find("gateway.listen '192.0.2.1:80'"), std::string::npos) << refused.text;
  EXPECT_EQ(ask_gateway("/a/alice/").at("worker"), before);
}

TEST_F(Gateway, AnotherNumberOfThreadsReplacesItWithoutALostRequest) {
  start_with("a", routed_pool());
  OpenRequest open(address_, "/a/alice/echo");
  daemon_.wait_for({.type = "session_started", .pool = "a"});
  const Json first = gateway();
  daemon_.write_config({{"gateway", {{"listen", {address_.substr(4)}}, {"threads", 2}}}});
  daemon_.post("/v1/reload");
  wait_for_status([&](const Json& status) {
    return status.at("workers") != Json({first.at("id")}) && status.at("ready") == true;
  });
  EXPECT_NE(open.finish().find("\r\n\r\nabcde"), std::string::npos) << "the old one serves what it has";
  daemon_.wait_for({.type = "worker_gone", .pool = "herd-gateway", .worker = first.at("id")});
  EXPECT_EQ(threads_of(gateway().at("pid").get<pid_t>()).size(), 3u) << "and the main one";
}

TEST_F(Gateway, WithoutListenersThereIsNone) {
  start_with("a", routed_pool());
  wait_until_serving();
  daemon_.write_config(Json::object());
  daemon_.post("/v1/reload");
  daemon_.wait_for({.type = "worker_gone", .pool = "herd-gateway"});
  EXPECT_FALSE(connect_to(address_));
}

TEST_F(Gateway, AFullQueueIsSaidWithRetryAfter) {
  start_with("a", routed_pool({{"workers", {{"max", 1}}}, {"sessions", {{"queue_limit", 0}}}}));
  ask_gateway("/a/alice/");
  EXPECT_EQ(ask_gateway("/a/bob/").at("error").at("code"), "queue_full");
}

TEST_F(Gateway, WhatItDoesIsCounted) {
  start_with("a", routed_pool());
  for (int i = 0; i < 5; ++i) ask_gateway("/a/alice/");
  const std::string wanted =
      "code=\"200\",gateway=\"" + gateway().at("id").get<std::string>() + "\",pool=\"a\"} 5";
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::string text;
  do {
    text = metrics();
  } while (text.find(wanted) == std::string::npos && std::chrono::steady_clock::now() < deadline);
  EXPECT_NE(text.find(wanted), std::string::npos) << text;
}

TEST_F(Gateway, StoppingServesWhatIsOpenFirst) {
  start_with("a", routed_pool());
  OpenRequest open(address_, "/a/alice/echo");
  daemon_.wait_for({.type = "session_started", .pool = "a"});
  daemon_.signal(SIGTERM);
  wait_for_status([](const Json& status) { return status.at("ready") == false; });
  EXPECT_NE(open.finish().find("\r\n\r\nabcde"), std::string::npos);
}

TEST_F(Gateway, AnAddressThatIsTakenStopsTheStart) {
  const UniqueFd taken = worker::listen_tcp().value().fd;
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ASSERT_EQ(::getsockname(taken.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  daemon_.write_config({{"gateway", {{"listen", {"127.0.0.1:" + std::to_string(ntohs(address.sin_port))}}}}});
  EXPECT_EQ(daemon_.start_in_vain(), 1);
  EXPECT_NE(daemon_.log().find("Address already in use"), std::string::npos) << daemon_.log();
}

}  // namespace
}  // namespace herd::test
