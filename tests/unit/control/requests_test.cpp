// What is asked and what is answered: routes, roles, errors, bodies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/control/routes.hpp"
#include "tests/unit/control/harness.hpp"

namespace herd::control {
namespace {

using testing::HasSubstr;

class Requests : public testing::Test {
 protected:
  std::string ask(std::string_view method, std::string_view target, std::string_view body = "") {
    return RawClient(harness.path).ask(method, target, body);
  }
  void set_role(config::Role role) {
    harness.on_loop([&] { harness.service.role = role; });
  }
  Harness harness;
};

TEST_F(Requests, EveryReadIsAnswered) {
  for (const char* target :
       {"/healthz", "/readyz", "/v1/status", "/v1/pools", "/v1/pools/web", "/v1/pools/web/workers",
        "/v1/pools/web/sessions", "/v1/pools/web/sessions/alice", "/v1/workers", "/v1/workers/web-1",
        "/v1/sessions", "/v1/config/schema"}) {
    const std::string answer = ask("GET", target);
    EXPECT_EQ(status_of(answer), 200) << target;
    EXPECT_TRUE(body_of(answer).is_object()) << target;
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/json\r\n")) << target;
  }
  const std::string metrics = ask("GET", "/metrics");
  EXPECT_THAT(metrics, HasSubstr("Content-Type: text/plain; version=0.0.4\r\n"));
  EXPECT_THAT(metrics, HasSubstr("\r\n\r\nherd_workers 3\n"));
}

TEST_F(Requests, NotReadyIs503) {
  harness.on_loop([&] { harness.service.ready = false; });
  const std::string answer = ask("GET", "/readyz");
  EXPECT_EQ(status_of(answer), 503);
  EXPECT_EQ(code_of(answer), "not_ready");
  EXPECT_EQ(status_of(ask("GET", "/healthz")), 200);
}

TEST_F(Requests, AnErrorHasItsFourKeysAndNoMore) {
  const Json body = body_of(ask("GET", "/v1/pools/wbe"));
  ASSERT_TRUE(body.contains("error"));
  EXPECT_EQ(body.size(), 1U);
  EXPECT_EQ(body["error"]["code"], "unknown_pool");
  EXPECT_EQ(body["error"]["message"], "there is no pool 'wbe'");
  EXPECT_TRUE(body["error"]["hint"].is_null());
  EXPECT_TRUE(body["error"]["pool"].is_null());
  EXPECT_EQ(body["error"].size(), 4U);
}

TEST_F(Requests, WhatIsNotThereIs404WithItsOwnCode) {
  EXPECT_EQ(code_of(ask("GET", "/v1/pools/x")), "unknown_pool");
  EXPECT_EQ(code_of(ask("POST", "/v1/pools/x/sessions")), "unknown_pool");
  EXPECT_EQ(code_of(ask("GET", "/v1/pools/web/sessions/bob")), "unknown_session");
  EXPECT_EQ(code_of(ask("GET", "/v1/workers/x-1")), "unknown_worker");
  EXPECT_EQ(code_of(ask("GET", "/v1/workers/x-1/logs")), "unknown_worker");
  EXPECT_EQ(code_of(ask("GET", "/v1/events?pool=x")), "unknown_pool");
  for (const char* target :
       {"/", "/v1", "/v1/statuses", "/v2/status", "/v1/pools/web/nothing", "/v1/pools//drain"}) {
    const std::string answer = ask("GET", target);
    EXPECT_EQ(status_of(answer), 404) << target;
    EXPECT_EQ(code_of(answer), "unknown_route") << target;
  }
}

TEST_F(Requests, AWrongMethodIs405WithAllow) {
  const std::string answer = ask("PUT", "/v1/pools/web/sessions");
  EXPECT_EQ(status_of(answer), 405);
  EXPECT_EQ(code_of(answer), "method_not_allowed");
  EXPECT_THAT(answer, HasSubstr("\r\nAllow: POST, GET\r\n"));
  EXPECT_THAT(ask("GET", "/v1/reload"), HasSubstr("\r\nAllow: POST\r\n"));
}

// The whole table: the least role that may, and the one below it that may not.
TEST_F(Requests, EachRouteHoldsItsRole) {
  using config::Role;
  std::size_t seen = 0;
  for (const Route& route : routes()) {
    if (route.access == Access::anyone) continue;
    ++seen;
    const Role needed = route.access == Access::observer ? Role::observer
                        : route.access == Access::admin  ? Role::admin
                                                         : Role::operator_;
    std::string target(route.pattern);
    for (const auto& [part, value] :
         {std::pair("{pool}", "web"), {"{session}", "alice"}, {"{worker}", "web-1"}}) {
      if (const auto at = target.find(part); at != std::string::npos)
        target.replace(at, std::string_view(part).size(), value);
    }
    if (route.pattern == "/v1/events") target += "?follow=0";
    const std::string body = target.ends_with("/scale") ? R"({"min":1})" : "";
    set_role(needed);
    EXPECT_LT(status_of(ask(route.method, target, body)), 300U) << target;
    set_role(static_cast<Role>(static_cast<int>(needed) - 1));
    const std::string denied = ask(route.method, target, body);
    EXPECT_EQ(status_of(denied), 403) << target;
    EXPECT_EQ(code_of(denied), "forbidden") << target;
  }
  EXPECT_EQ(seen, routes().size() - 2);
}

TEST_F(Requests, AnUnknownUserMaySeeThatItLivesAndNothingElse) {
  set_role(config::Role::none);
  EXPECT_EQ(status_of(ask("GET", "/healthz")), 200);
  EXPECT_EQ(status_of(ask("GET", "/readyz")), 200);
  const std::string answer = ask("GET", "/v1/status");
  EXPECT_EQ(status_of(answer), 403);
  EXPECT_THAT(answer, HasSubstr("add the user to group herd or to the pool's clients"));
  EXPECT_EQ(status_of(ask("GET", "/metrics")), 403);
}

TEST_F(Requests, APoolsClientMayAcquireAndReleaseThereOnly) {
  set_role(config::Role::none);
  harness.on_loop([&] { harness.service.is_client = true; });
  EXPECT_EQ(status_of(ask("POST", "/v1/pools/web/sessions")), 201);
  EXPECT_EQ(status_of(ask("DELETE", "/v1/pools/web/sessions/alice")), 200);
  EXPECT_EQ(status_of(ask("POST", "/v1/pools/other/sessions")), 403);
  EXPECT_EQ(status_of(ask("GET", "/v1/pools/web/sessions")), 403);
  EXPECT_EQ(status_of(ask("POST", "/v1/pools/web/drain")), 403);
}

TEST_F(Requests, AcquireTakesItsThreeKeys) {
  const std::string body = R"({"session":"a@b:1","timeout":"250ms","lease":"idle"})";
  const std::string answer = ask("POST", "/v1/pools/web/sessions", body);
  EXPECT_EQ(status_of(answer), 201);
  EXPECT_EQ(body_of(answer)["session"], "a@b:1");
  const AcquireCall call = harness.on_loop([&] { return harness.service.acquires.back(); });
  EXPECT_EQ(call.pool, "web");
  EXPECT_EQ(call.timeout, Duration{250});
  EXPECT_EQ(call.lease, config::Lease::idle);
}

TEST_F(Requests, AcquireWithoutANameGetsARandomOne) {
  const std::string first = body_of(ask("POST", "/v1/pools/web/sessions"))["session"];
  const std::string second = body_of(ask("POST", "/v1/pools/web/sessions", R"({"session":null})"))["session"];
  EXPECT_EQ(first.size(), 32U);
  EXPECT_EQ(first.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(first, second);
  const AcquireCall call = harness.on_loop([&] { return harness.service.acquires.back(); });
  EXPECT_FALSE(call.timeout.has_value());
  EXPECT_FALSE(call.lease.has_value());
}

TEST_F(Requests, BadBodiesSayWhatIsWrong) {
  const auto message = [&](const char* body) {
    const std::string answer = ask("POST", "/v1/pools/web/sessions", body);
    EXPECT_EQ(status_of(answer), 400) << body;
    EXPECT_EQ(code_of(answer), "bad_request") << body;
    return body_of(answer)["error"]["message"].get<std::string>();
  };
  EXPECT_THAT(message("{\n  nonsense}"), HasSubstr("line 2, column 4"));
  EXPECT_THAT(message("[]"), HasSubstr("must be a JSON object, this is array"));
  EXPECT_THAT(message(R"({"sesion":"a"})"), HasSubstr("unknown key 'sesion'; did you mean 'session'?"));
  EXPECT_THAT(message(R"({"session":7})"), HasSubstr("'session' must be a string, this is number"));
  EXPECT_THAT(message(R"({"timeout":"soon"})"), HasSubstr("'timeout': 'soon' is not a duration"));
  EXPECT_THAT(message(R"({"timeout":5})"), HasSubstr("must be a duration such as"));
  EXPECT_THAT(message(R"({"timeout":"25h"})"), HasSubstr("'timeout' must be at most 1d"));
  EXPECT_THAT(message(R"({"lease":"forever"})"), HasSubstr("\"idle\" or \"connection\""));
  EXPECT_THAT(message("{\"session\":\"\xff\"}"), HasSubstr("not JSON"));
  EXPECT_THAT(message(std::string(100'000, '[').c_str()), HasSubstr("not JSON"));
}

TEST_F(Requests, TheTimeoutsBoundItselfIsAllowed) {
  EXPECT_EQ(status_of(ask("POST", "/v1/pools/web/sessions", R"({"timeout":"24h"})")), 201);
  EXPECT_EQ(status_of(ask("POST", "/v1/pools/web/sessions", R"({"timeout":"86400001ms"})")), 400);
}

TEST_F(Requests, SessionNamesAreChecked) {
  const auto acquire_code = [&](const std::string& name) {
    return code_of(ask("POST", "/v1/pools/web/sessions", Json{{"session", name}}.dump()));
  };
  EXPECT_EQ(acquire_code(std::string(128, 'x')), "");
  EXPECT_EQ(acquire_code(std::string(129, 'x')), "bad_session_name");
  EXPECT_EQ(acquire_code(""), "bad_session_name");
  EXPECT_EQ(acquire_code("a b"), "bad_session_name");
  EXPECT_EQ(acquire_code("a/b"), "bad_session_name");
  EXPECT_EQ(code_of(ask("GET", "/v1/pools/web/sessions/a%2Fb")), "bad_session_name");
  EXPECT_EQ(code_of(ask("GET", "/v1/pools/web/sessions/a%2")), "bad_request");
  EXPECT_EQ(status_of(ask("GET", "/v1/pools/web/sessions/%61lice")), 200);
}

TEST_F(Requests, OperationsReachTheService) {
  EXPECT_EQ(status_of(ask("POST", "/v1/pools/web/scale", R"({"min":2,"max":4})")), 200);
  EXPECT_EQ(status_of(ask("POST", "/v1/pools/web/drain", "{}")), 200);
  EXPECT_EQ(status_of(ask("POST", "/v1/pools/web/resume")), 200);
  EXPECT_EQ(status_of(ask("POST", "/v1/pools/web/restart")), 200);
  EXPECT_EQ(status_of(ask("POST", "/v1/workers/web-1/stop")), 200);
  EXPECT_EQ(status_of(ask("POST", "/v1/reload?dry_run=1")), 200);
  EXPECT_EQ(status_of(ask("POST", "/v1/reload")), 200);
  EXPECT_THAT(harness.on_loop([&] { return harness.service.calls; }),
              testing::ElementsAre("scale web 2 4 -", "drain web", "resume web", "restart web", "stop web-1",
                                   "reload dry", "reload"));
}

TEST_F(Requests, OperationsRefuseWhatTheyDoNotKnow) {
  EXPECT_EQ(code_of(ask("POST", "/v1/pools/web/scale")), "bad_request");
  EXPECT_EQ(code_of(ask("POST", "/v1/pools/web/scale", R"({"min":-1})")), "bad_request");
  EXPECT_EQ(code_of(ask("POST", "/v1/pools/web/scale", R"({"min":1.5})")), "bad_request");
  EXPECT_EQ(code_of(ask("POST", "/v1/pools/web/scale", R"({"min":3,"max":2})")), "bad_request");
  EXPECT_EQ(code_of(ask("POST", "/v1/pools/web/scale", R"({"max":100001})")), "bad_request");
  EXPECT_EQ(code_of(ask("POST", "/v1/pools/web/drain", R"({"now":true})")), "bad_request");
  EXPECT_EQ(code_of(ask("POST", "/v1/reload?dryrun=1")), "bad_request");
  EXPECT_EQ(code_of(ask("POST", "/v1/reload?dry_run=maybe")), "bad_request");
  EXPECT_EQ(code_of(ask("GET", "/v1/events?since=x")), "bad_request");
  EXPECT_EQ(code_of(ask("GET", "/v1/events?since=1&since=2")), "bad_request");
  EXPECT_EQ(code_of(ask("GET", "/v1/pools?verbose=1")), "bad_request");
  EXPECT_TRUE(harness.on_loop([&] { return harness.service.calls.empty(); }));
}

TEST_F(Requests, APoolsRefusalPassesThrough) {
  harness.on_loop([&] { harness.service.mode = FakeService::Acquire::refused; });
  const std::string full = ask("POST", "/v1/pools/web/sessions");
  EXPECT_EQ(status_of(full), 429);
  EXPECT_THAT(full, HasSubstr("\r\nRetry-After: 3\r\n"));
  EXPECT_EQ(body_of(full)["error"]["pool"], "web");
  EXPECT_EQ(body_of(full)["error"]["hint"], "raise sessions.queue_limit");
  for (const auto& [status, code] : {std::pair(503U, "pool_failed"), {504U, "acquire_timeout"}}) {
    harness.on_loop([&] { harness.service.refusal = ApiError{status, code, "no", "", "web"}; });
    const std::string answer = ask("POST", "/v1/pools/web/sessions");
    EXPECT_EQ(status_of(answer), status);
    EXPECT_EQ(code_of(answer), code);
  }
}

TEST_F(Requests, AFaultOfTheDaemonIs500AndReported) {
  harness.on_loop([&] { harness.service.throws = true; });
  const std::string answer = ask("GET", "/v1/status");
  EXPECT_EQ(status_of(answer), 500);
  EXPECT_EQ(code_of(answer), "internal");
  const auto reports = harness.on_loop([&] { return harness.reports; });
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_THAT(reports[0], HasSubstr("broken invariant"));
}

}  // namespace
}  // namespace herd::control
