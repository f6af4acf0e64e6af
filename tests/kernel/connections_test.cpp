// The control socket's clients at their worst: too many of them, and gone at any point.
#include <sys/socket.h>

#include "tests/support/as_user.hpp"
#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

constexpr std::size_t kConnectionsOfAUid = 128;
constexpr uid_t kGreedy = 1, kOther = 2;

class Connections : public DaemonTest {
 protected:
  void TearDown() override {
    if (daemon_for_all_.is_running()) daemon_for_all_.stop();
    DaemonTest::TearDown();
  }
  static unsigned ask_health(protocol::Client& client) {
    const auto reply = client.get("/healthz");
    return reply ? reply->status : 0;
  }
  TestDaemon daemon_for_all_{{.config = {{"control", {{"mode", "0666"}}}}}};
};

TEST_F(Connections, OneUidGetsItsShareAndNobodyElseIsTouched) {
  daemon_for_all_.start();
  daemon_for_all_.get("/v1/status");
  const int fds_before = open_fds_of(daemon_for_all_.pid());
  std::vector<protocol::Client> clients;
  std::map<unsigned, std::size_t> answers;  // 0: closed without one
  as_user(kGreedy, kGreedy, [&] {
    for (int i = 0; i < 200; ++i) {
      clients.emplace_back(daemon_for_all_.socket());
      ++answers[ask_health(clients.back())];
    }
  });
  EXPECT_EQ(answers[200], kConnectionsOfAUid);
  EXPECT_EQ(answers[200] + answers[503] + answers[0], clients.size()) << testing::PrintToString(answers);
  EXPECT_GT(answers[503], 0U) << "they are told";
  EXPECT_EQ(ask_health(clients.front()), 200U);
  protocol::Client other(daemon_for_all_.socket());
  EXPECT_EQ(as_user(kOther, kOther, [&] { return ask_health(other); }), 200U);
  EXPECT_EQ(daemon_for_all_.call("GET", "/v1/status").status, 200U);
  clients.clear();
  other = protocol::Client(daemon_for_all_.socket());
  EXPECT_EQ(open_fds_within(daemon_for_all_.pid(), fds_before, kPatience), fds_before);
}

std::string request(const std::string& line, const std::string& body = "") {
  return line + " HTTP/1.1\r\nHost: herd\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

class Vanishing : public DaemonTest {
 protected:
  void SetUp() override {
    DaemonTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    daemon_.write_pool("a", testee_pool({"serve"}));
    start_with("lease", testee_pool({"serve"}, {{"sessions", {{"lease", "connection"}}}}));
    daemon_.acquire("a", "holder");
    daemon_.wait_until_ready("lease");
    fds_before_ = open_fds_of(daemon_.pid());
  }
  [[nodiscard]] UniqueFd send(const std::string& text) const {
    UniqueFd fd = connect_to("unix:" + daemon_.socket());
    EXPECT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    return fd;
  }
  void expect_nothing_is_left() {
    daemon_.wait_for_pool("a", [](const Json& pool) { return pool.at("queued") == 0; });
    daemon_.wait_for_pool("lease", [](const Json& pool) {
      return pool.at("sessions") == 0 && pool.at("queued") == 0 && pool.at("workers").at("idle") == 1;
    });
    EXPECT_EQ(daemon_.get("/v1/pools/a").at("sessions"), 1) << "the holder's";
    EXPECT_EQ(open_fds_within(daemon_.pid(), fds_before_, kPatience), fds_before_);
  }
  int fds_before_ = 0;
};

TEST_F(Vanishing, InTheMiddleOfARequestOrBeforeItsAnswer) {
  const std::string acquire = request("POST /v1/pools/a/sessions", R"({"session": "gone"})");
  for (const std::string& text :
       {std::string(), std::string("P"), acquire.substr(0, 20), acquire.substr(0, acquire.size() - 5),
        request("GET /v1/status"), request("GET /v1/events?follow=0"), request("GET /v1/events"),
        request("GET /v1/status") + request("GET /v1/events") + "GET"})
    for (int i = 0; i < 8; ++i) (void)send(text);
  expect_nothing_is_left();
}

TEST_F(Vanishing, WhileItIsQueued) {
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 8; ++i)
    clients.push_back(send(request("POST /v1/pools/a/sessions", R"({"session": "gone"})")));
  daemon_.wait_for_pool("a", [](const Json& pool) { return pool.at("queued") == 8; });
  clients.clear();
  expect_nothing_is_left();
}

TEST_F(Vanishing, WhileItHoldsALease) {
  {
    const UniqueFd client = send(request("POST /v1/pools/lease/sessions", R"({"session": "gone"})"));
    daemon_.wait_for({.type = "session_started", .pool = "lease"});
  }
  daemon_.wait_for({.type = "session_ended", .pool = "lease"});
  expect_nothing_is_left();
}

}  // namespace
}  // namespace herd::test
