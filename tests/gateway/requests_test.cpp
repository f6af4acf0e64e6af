// What passes, and how it is written when it does.
#include <gmock/gmock.h>

#include "tests/gateway/rig.hpp"

namespace herd::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(GatewayTest, ARequestReachesTheSessionsWorker) {
  pin();
  client.send(request("POST", "/a%20b?x=%2F", "X-Odd:  two  words \r\n", "body"));
  const std::string seen = upstream.read_message();
  EXPECT_THAT(seen, StartsWith("POST /a%20b?x=%2F HTTP/1.1\r\nHost: web.test\r\nX-Session-ID: a\r\n"));
  EXPECT_THAT(seen, HasSubstr("X-Odd:  two  words \r\n"));
  EXPECT_TRUE(seen.ends_with("\r\n\r\nbody"));
  upstream.send(answer("done", "X-Also: this\r\n"));
  const std::string got = client.read_message();
  EXPECT_THAT(got, StartsWith("HTTP/1.1 200 OK\r\nX-Also: this\r\n"));
  EXPECT_TRUE(got.ends_with("done"));
}

TEST_F(GatewayTest, AKnownSessionAsksNobody) {
  pin();
  for (int i = 0; i < 3; ++i) {
    client.send(request());
    upstream.read_head();
    upstream.send(answer("again"));
    EXPECT_TRUE(client.read_message().ends_with("again"));
  }
  EXPECT_FALSE(rig().has_message(0));
}

TEST_F(GatewayTest, RequestsThatMissTogetherShareOneQuestion) {
  worker = rig().make_worker();
  Peer one = rig().connect(), two = rig().connect();
  one.send(request());
  const auto acquire = rig().expect<gateway::Acquire>();
  two.send(request());
  // A question of another session shows that the second one has been read.
  Peer three = rig().connect();
  three.send("GET / HTTP/1.1\r\nHost: h\r\nX-Session-ID: other\r\n\r\n");
  EXPECT_EQ(rig().expect<gateway::Acquire>().session, "other");
  rig().send(gateway::Granted{acquire.request, "web-1", worker->address(), true}, worker->path_fd());
  Peer first = worker->accept(), second = worker->accept();
  first.read_head();
  second.read_head();
  first.send(answer("x"));
  second.send(answer("x"));
  EXPECT_TRUE(one.read_message().ends_with("x"));
  EXPECT_TRUE(two.read_message().ends_with("x"));
}

TEST_F(GatewayTest, WorkersMayListenOnTcp) {
  worker = rig().make_tcp_worker();
  pin();
}

TEST_F(GatewayTest, WhatAClientForgesIsDroppedAndTheGatewaySaysItItself) {
  pin();
  client.send(request("GET", "/",
                      "X-Forwarded-For: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n"
                      "X-Herd-User: root\r\nX-Request-ID: mine\r\nX-Forwarded-Proto: https\r\n"));
  const std::string seen = upstream.read_head();
  EXPECT_THAT(seen, Not(HasSubstr("6.6.6.6")));
  EXPECT_THAT(seen, Not(HasSubstr("root")));
  EXPECT_THAT(seen, Not(HasSubstr("mine")));
  EXPECT_THAT(seen, Not(HasSubstr("https")));
  EXPECT_THAT(
      seen,
      HasSubstr("\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
                "X-Forwarded-Host: web.test\r\nForwarded: for=127.0.0.1;host=\"web.test\";proto=http\r\n"
                "X-Request-ID: "));
}

TEST_F(GatewayTest, WhatBelongsToOneConnectionIsNotPassedOn) {
  pin();
  client.send(request("GET", "/",
                      "Connection: x-mine, keep-alive\r\nX-Mine: 1\r\nKeep-Alive: 3\r\nTE: trailers\r\n"));
  const std::string seen = upstream.read_head();
  for (const char* name : {"Connection", "X-Mine", "Keep-Alive", "TE:"})
    EXPECT_THAT(seen, Not(HasSubstr(name)));
  upstream.send(answer("", "Connection: x-its\r\nX-Its: 1\r\nKeep-Alive: timeout=5\r\n"));
  const std::string got = client.read_head();
  for (const char* name : {"Connection", "X-Its", "Keep-Alive"}) EXPECT_THAT(got, Not(HasSubstr(name)));
}

TEST_F(GatewayTest, PipelinedRequestsAreAnsweredInTheirOrder) {
  pin();
  client.send(request("GET", "/1") + request("POST", "/2", "", "two") + request("GET", "/3"));
  for (const char* path : {"/1", "/2", "/3"}) {
    EXPECT_THAT(upstream.read_message(), HasSubstr(std::string(" ") + path + " "));
    upstream.send(answer(path));
  }
  for (const char* path : {"/1", "/2", "/3"}) EXPECT_TRUE(client.read_message().ends_with(path));
}

TEST_F(GatewayTest, ChunkedBodiesPassBothWaysWithTheirTrailers) {
  pin();
  client.send(request("POST", "/", "Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(upstream.read_head(), HasSubstr("Transfer-Encoding: chunked\r\n"));
  client.send("3\r\nabc\r\n");
  EXPECT_EQ(upstream.read_exactly(8), "3\r\nabc\r\n");
  client.send("0\r\nX-Sum: 1\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n");
  EXPECT_EQ(upstream.read_until("\r\n\r\n"), "0\r\nX-Sum: 1\r\n\r\n");
  upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwxyz\r\n0\r\nX-End: 2\r\n\r\n");
  EXPECT_THAT(client.read_head(), HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_EQ(client.read_until("\r\n\r\n"), "4\r\nwxyz\r\n0\r\nX-End: 2\r\n\r\n");
  client.send(request());
  EXPECT_THAT(upstream.read_head(), StartsWith("GET / "));
}

TEST_F(GatewayTest, AnExpectationIsTheWorkersToMeet) {
  pin();
  client.send(request("PUT", "/", "Expect: 100-continue\r\nContent-Length: 4\r\n"));
  EXPECT_THAT(upstream.read_head(), HasSubstr("Expect: 100-continue\r\n"));
  upstream.send("HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(client.read_head(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  EXPECT_EQ(upstream.read_exactly(4), "body");
  upstream.send(answer("ok"));
  EXPECT_TRUE(client.read_message().ends_with("ok"));
}

TEST_F(GatewayTest, AnAnswerBeforeTheBodyEndsTheConnection) {
  pin();
  client.send(request("PUT", "/", "Expect: 100-continue\r\nContent-Length: 4\r\n"));
  upstream.read_head();
  upstream.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 413 Too Large\r\n"));
  EXPECT_TRUE(upstream.is_ended());
}

TEST_F(GatewayTest, AnswersWithoutABodyAreNotWaitedFor) {
  pin();
  client.send(request("HEAD"));
  upstream.read_head();
  upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  EXPECT_THAT(client.read_head(), HasSubstr("Content-Length: 1000\r\n"));
  for (const char* status : {"204 No Content", "304 Not Modified"}) {
    client.send(request());
    upstream.read_head();
    upstream.send(std::string("HTTP/1.1 ") + status + "\r\n\r\n");
    EXPECT_THAT(client.read_head(), HasSubstr(status));
  }
}

TEST_F(GatewayTest, AnAnswerThatEndsWithItsConnectionIsChunkedForTheClient) {
  pin();
  client.send(request());
  upstream.read_head();
  upstream.send("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello");
  EXPECT_THAT(client.read_head(), HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_EQ(client.read_exactly(10), "5\r\nhello\r\n");
  upstream.close();
  EXPECT_EQ(client.read_exactly(5), "0\r\n\r\n");
  client.send(request());
  upstream = worker->accept();
  upstream.read_head();
  upstream.send(answer("more"));
  EXPECT_TRUE(client.read_message().ends_with("more"));
}

TEST_F(GatewayTest, AnOldClientGetsNoChunks) {
  pin();
  Peer old = rig().connect();
  old.send("GET / HTTP/1.0\r\nX-Session-ID: a\r\n\r\n");
  upstream.read_head();
  upstream.send(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n");
  const std::string got = old.read_to_end();
  EXPECT_THAT(got, Not(HasSubstr("chunked")));
  EXPECT_TRUE(got.ends_with("\r\n\r\nabcde")) << got;
}

TEST_F(GatewayTest, AnOldClientMayKeepItsConnection) {
  pin();
  Peer old = rig().connect();
  for (int i = 0; i < 2; ++i) {
    old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\nX-Session-ID: a\r\n\r\n");
    upstream.read_head();
    upstream.send(answer("x"));
    EXPECT_THAT(old.read_message(), HasSubstr("Connection: keep-alive\r\n"));
  }
}

TEST_F(GatewayTest, EventsComeAsTheyAreSent) {
  pin();
  client.send(request());
  upstream.read_head();
  upstream.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.read_head();
  for (int i = 0; i < 3; ++i) {
    upstream.send("9\r\ndata: 1\n\n\r\n");
    EXPECT_EQ(client.read_until("\n\n\r\n"), "9\r\ndata: 1\n\n\r\n");
  }
}

TEST_F(GatewayTest, PrefixesAreCutWhereTheRouteSaysSo) {
  settings.routes[0].prefix = "/app/";
  settings.routes[0].strips_prefix = true;
  settings.routes[0].session = {gateway::SessionPlace::Kind::path, "", false};
  worker = rig().make_worker();
  client = rig().connect();
  client.send("GET /app/a/b?c HTTP/1.1\r\nHost: h\r\nX-Session-ID: forged\r\n\r\n");
  rig().grant(*worker);
  const std::string seen = worker->accept().read_head();
  EXPECT_THAT(seen, StartsWith("GET /b?c HTTP/1.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("X-Forwarded-Prefix: /app/a\r\n"));
  EXPECT_THAT(seen, Not(HasSubstr("forged")));
}

TEST_F(GatewayTest, ACookieIsIssuedOnceAndBelieved) {
  settings.routes[0].session = {gateway::SessionPlace::Kind::cookie, "herd", true};
  worker = rig().make_worker();
  client = rig().connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\nCookie: herd=forged.00\r\n\r\n");
  rig().grant(*worker);
  upstream = worker->accept();
  upstream.read_head();
  upstream.send(answer("x"));
  const std::string got = client.read_message();
  EXPECT_THAT(got, HasSubstr("; Path=/; HttpOnly; SameSite=Lax\r\n"));
  const std::size_t begin = got.find("herd=");
  const std::string cookie = got.substr(begin, got.find(';', begin) - begin);
  client.send("GET / HTTP/1.1\r\nHost: h\r\nCookie: a=b; " + cookie + "\r\n\r\n");
  upstream.read_head();
  upstream.send(answer("y"));
  EXPECT_THAT(client.read_message(), Not(HasSubstr("Set-Cookie")));
  EXPECT_FALSE(rig().has_message(0));
}

}  // namespace
}  // namespace herd::test
