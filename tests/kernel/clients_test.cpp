// Who may do what, by the uid that the kernel tells: daemon, whom every host has, and one whom none has.
#include <cstring>

#include "tests/support/as_user.hpp"
#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

constexpr uid_t kClient = 1, kNobodyAtAll = 54'321;

struct Asked {
  std::string method, target;
  Json body = nullptr;
  std::string answer;  // "403 forbidden"
};

class Clients : public DaemonTest {
 protected:
  void TearDown() override {
    if (daemon_for_all_.is_running()) daemon_for_all_.stop();
  }
  void start() {
    daemon_for_all_.write_pool("open", testee_pool({"serve"}, {{"clients", {{"users", {"daemon"}}}}}));
    daemon_for_all_.write_pool("group", testee_pool({"serve"}, {{"clients", {{"groups", {"daemon"}}}}}));
    daemon_for_all_.write_pool("shut", testee_pool({"serve"}));
    daemon_for_all_.start();
  }
  /// Status and code, or the errno's name where there was no answer.
  static std::string ask_as(uid_t uid, const TestDaemon& daemon, const Asked& asked) {
    return as_user(uid, uid, [&] {
      protocol::Client client(daemon.socket());
      const auto reply = client.send({.method = asked.method, .target = asked.target, .body = asked.body});
      if (!reply) return std::string(strerrorname_np(reply.error().errno_value));
      const auto refusal = protocol::refusal_from(reply->body);
      return std::to_string(reply->status) + (refusal ? " " + refusal->code : "");
    });
  }
  void expect_answers(uid_t uid, const std::vector<Asked>& all) const {
    for (const Asked& asked : all)
      EXPECT_EQ(ask_as(uid, daemon_for_all_, asked), asked.answer) << asked.method << " " << asked.target;
  }

  TestDaemon daemon_for_all_{{.config = {{"control", {{"mode", "0666"}}}}}};
};

TEST_F(Clients, AClientOfAPoolMayAcquireAndReleaseThereAndNothingElse) {
  start();
  const Json session{{"session", "s"}};
  expect_answers(kClient, {{"GET", "/healthz", nullptr, "200"},
                           {"POST", "/v1/pools/open/sessions", session, "201"},
                           {"POST", "/v1/pools/open/sessions", session, "200"},
                           {"POST", "/v1/pools/group/sessions", session, "201"},
                           {"POST", "/v1/pools/shut/sessions", session, "403 forbidden"},
                           {"GET", "/v1/pools/open/sessions/s", nullptr, "403 forbidden"},
                           {"GET", "/v1/status", nullptr, "403 forbidden"},
                           {"GET", "/v1/events?follow=0", nullptr, "403 forbidden"},
                           {"POST", "/v1/pools/open/drain", nullptr, "403 forbidden"},
                           {"POST", "/v1/pools/open/scale", {{"max", 2}}, "403 forbidden"},
                           {"POST", "/v1/reload", nullptr, "403 forbidden"},
                           {"DELETE", "/v1/pools/shut/sessions/s", nullptr, "403 forbidden"},
                           {"DELETE", "/v1/pools/open/sessions/s", nullptr, "200"}});
  EXPECT_EQ(daemon_for_all_.get("/v1/pools/shut").at("counters").at("acquires"), 0);
  EXPECT_EQ(daemon_for_all_.get("/v1/pools/open").at("state"), "running");
}

// Also of a pool that does not exist: it does not get to know that.
TEST_F(Clients, AUidThatNobodyHasMayAskForHealthOnly) {
  start();
  expect_answers(kNobodyAtAll, {{"GET", "/healthz", nullptr, "200"},
                                {"GET", "/v1/status", nullptr, "403 forbidden"},
                                {"POST", "/v1/pools/open/sessions", Json::object(), "403 forbidden"},
                                {"POST", "/v1/pools/nope/sessions", Json::object(), "403 forbidden"},
                                {"DELETE", "/v1/pools/open/sessions/s", nullptr, "403 forbidden"},
                                {"POST", "/v1/pools/open/drain", nullptr, "403 forbidden"},
                                {"POST", "/v1/reload", nullptr, "403 forbidden"}});
}

TEST_F(Clients, TheSocketsModeKeepsOthersOut) {
  start_with("open", testee_pool({"serve"}, {{"clients", {{"users", {"daemon"}}}}}));
  EXPECT_EQ(ask_as(kClient, daemon_, {"GET", "/healthz"}), "EACCES");
  EXPECT_EQ(ask_as(0, daemon_, {"GET", "/healthz"}), "200");
}

}  // namespace
}  // namespace herd::test
