// What becomes of requests when something ends before them.
#include <gmock/gmock.h>
#include <signal.h>

#include "tests/gateway/rig.hpp"

namespace herd::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

class GatewayFailures : public GatewayTest {
 protected:
  /// Another worker takes the session, and answers.
  void expect_answer_of_another() {
    const auto other = rig().make_worker();
    rig().grant(*other, "web-2");
    Peer connection = other->accept();
    EXPECT_THAT(connection.read_head(), HasSubstr("X-Session-ID: a\r\n"));
    connection.send(answer("other"));
    EXPECT_TRUE(client.read_message().ends_with("other"));
  }
};

TEST_F(GatewayFailures, ARefusalIsPassedOnAsHerddSaysIt) {
  client = rig().connect();
  client.send(request());
  const auto acquire = rig().expect<gateway::Acquire>();
  rig().send(gateway::Refused{acquire.request, 429, "queue_full", "the queue is full", "try later", 7});
  const std::string got = client.read_message();
  EXPECT_THAT(got, StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(got, HasSubstr("Retry-After: 7\r\n"));
  EXPECT_THAT(got, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(
      got,
      HasSubstr(
          R"({"error":{"code":"queue_full","hint":"try later","message":"the queue is full","pool":"web"}})"));
}

TEST_F(GatewayFailures, AnUnsafeRequestThatMayHaveBeenSeenIsNotRepeated) {
  pin();
  client.send(request("POST", "/", "", "pay"));
  upstream.read_message();
  upstream.close();
  rig().end_session("a", "oom_killed", "killed for its memory");
  const std::string got = client.read_message();
  EXPECT_THAT(got, StartsWith("HTTP/1.1 502 "));
  EXPECT_THAT(got, HasSubstr(R"("code":"worker_gone")"));
  EXPECT_THAT(got, HasSubstr(R"("reason":"oom_killed")"));
  client.send(request("POST", "/", "", "pay"));
  expect_answer_of_another();
}

TEST_F(GatewayFailures, ASafeRequestIsRepeatedWithTheNextWorker) {
  pin();
  Peer second = rig().connect();
  second.send(request());
  upstream.read_head();
  rig().end_session("a", "exited", "exited with 1");
  worker->stop_listening();
  upstream.close();
  client = std::move(second);
  expect_answer_of_another();
}

TEST_F(GatewayFailures, ASafeRequestIsRepeatedOnce) {
  pin();
  for (int i = 0; i < 2; ++i) {
    if (i == 0) client.send(request());
    upstream.read_head();
    upstream.close();
    if (i == 0) upstream = worker->accept();
  }
  EXPECT_THAT(client.read_message(), HasSubstr(R"("code":"bad_answer")"));
}

TEST_F(GatewayFailures, AnIdleConnectionThatTheWorkerClosedIsNotUsed) {
  pin();
  upstream.close();
  client.send(request("POST", "/", "", "x"));
  upstream = worker->accept();
  EXPECT_TRUE(upstream.read_message().ends_with("x"));
  upstream.send(answer("y"));
  EXPECT_TRUE(client.read_message().ends_with("y"));
}

TEST_F(GatewayFailures, ARequestThatWasNotSentGoesToTheNextWorker) {
  pin();
  upstream.close();
  worker->stop_listening();
  client.send(request("POST", "/", "", "x"));
  // The gateway waits for the reason; then it asks anew.
  rig().end_session("a", "exited", "exited with 1");
  const auto other = rig().make_worker();
  rig().grant(*other, "web-2");
  Peer connection = other->accept();
  EXPECT_TRUE(connection.read_message().ends_with("x"));
  connection.send(answer("other"));
  EXPECT_TRUE(client.read_message().ends_with("other"));
}

TEST_F(GatewayFailures, ASessionThatMayNotBeCreatedIsNotAskedForTwice) {
  settings.routes[0].creates = false;
  worker = rig().make_worker();
  client = rig().connect();
  client.send(request());
  const auto acquire = rig().expect<gateway::Acquire>();
  EXPECT_FALSE(acquire.creates);
  rig().send(gateway::Granted{acquire.request, "web-1", worker->address(), false}, worker->path_fd());
  rig().expect<gateway::Busy>();
  worker->accept().read_head();
  rig().end_session("a", "exited", "exited with 1");
  EXPECT_THAT(client.read_message(), HasSubstr(R"("code":"worker_gone")"));
}

TEST_F(GatewayFailures, AnAnswerThatIsCutOffIsCutOffForTheClient) {
  pin();
  client.send(request());
  upstream.read_head();
  upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  EXPECT_TRUE((client.read_head(), client.read_exactly(4)) == "half");
  upstream.close();
  EXPECT_TRUE(client.is_ended());
}

TEST_F(GatewayFailures, AClientThatGoesIsSeenWhileItsAnswerIsAwaited) {
  pin();
  client.send(request());
  upstream.read_head();
  client.close();
  EXPECT_TRUE(upstream.is_ended());
}

TEST_F(GatewayFailures, AnAcquireIsTakenBackWhenNobodyWaits) {
  client = rig().connect();
  client.send(request());
  const auto acquire = rig().expect<gateway::Acquire>();
  client.close();
  EXPECT_EQ(rig().expect<gateway::Cancel>().request, acquire.request);
}

TEST_F(GatewayFailures, BadAnswersAreNamed) {
  for (const char* bad : {
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\nContent-Length: 1\n\nx",
           "HTTP/1.1 20 OK\r\n\r\n",
           "HTTP/2 200 OK\r\n\r\n",
           "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
           "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
           "220 smtp ready\r\n\r\n",
       }) {
    pin();
    client.send(request());
    upstream.read_head();
    upstream.send(bad);
    EXPECT_THAT(client.read_message(), HasSubstr(R"("code":"bad_answer")")) << bad;
    rig().end_session("a", "stopped", "stopped");
    worker.reset();
  }
}

TEST_F(GatewayFailures, BadRequestsEndTheConnection) {
  for (const char* bad : {
           "GET / HTTP/1.1\nHost: h\n\n",
           "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET "
           "/x",
           "POST / HTTP/1.1\r\nHost: h\r\nX-Session-ID: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
           "GET /a/%2e%2e/b HTTP/1.1\r\nHost: h\r\nX-Session-ID: a\r\n\r\n",
           "GET / HTTP/1.1\r\nX-Session-ID: a\r\n\r\n",
       }) {
    client = rig().connect();
    client.send(bad);
    const std::string got = client.read_to_end();
    EXPECT_THAT(got, StartsWith("HTTP/1.1 400 ")) << bad;
    EXPECT_THAT(got, HasSubstr("Connection: close\r\n"));
    EXPECT_EQ(got.find("HTTP/1.1", 1), std::string::npos) << "answered twice: " << got;
  }
}

TEST_F(GatewayFailures, ABodyThatIsNotChunkedAsItSaysIsRefused) {
  pin();
  client.send(request("POST", "/", "Transfer-Encoding: chunked\r\n") + "0x1\r\na\r\n0\r\n\r\n");
  EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 400 "));
  EXPECT_TRUE((upstream.read_head(), upstream.is_ended()));
}

TEST_F(GatewayFailures, ARefusedRequestsBodyIsNoRequest) {
  client = rig().connect();
  client.send(
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 51\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: "
      "h\r\nX-Session-ID: b\r\n\r\n");
  const std::string got = client.read_to_end();
  EXPECT_THAT(got, HasSubstr(R"("code":"no_session")"));
  EXPECT_THAT(got, HasSubstr("Connection: close\r\n"));
  EXPECT_FALSE(rig().has_message(0));
}

TEST_F(GatewayFailures, AWorkerThatTakesNoConnectionIsSaidToBeGone) {
  worker = rig().make_worker();
  worker->stop_listening();
  client = rig().connect();
  client.send(request());
  rig().grant(*worker);
  EXPECT_THAT(client.read_message(), HasSubstr(R"("reason":"unreachable")"));
  EXPECT_TRUE(rig().reports([](const auto& statistics) {
    return statistics.pools.contains("web") && statistics.pools.at("web").failed_connects == 1;
  }));
}

TEST_F(GatewayFailures, WithoutHerddKnownSessionsAreServedAndNewOnesRefused) {
  pin();
  Peer waiting = rig().connect();
  waiting.send("GET / HTTP/1.1\r\nHost: h\r\nX-Session-ID: b\r\n\r\n");
  rig().expect<gateway::Acquire>();
  rig().close_line();
  EXPECT_THAT(waiting.read_message(), StartsWith("HTTP/1.1 503 "));
  client.send(request());
  upstream.read_head();
  upstream.send(answer("on"));
  EXPECT_TRUE(client.read_message().ends_with("on"));
  client.send("GET / HTTP/1.1\r\nHost: h\r\nX-Session-ID: c\r\n\r\n");
  EXPECT_THAT(client.read_message(), HasSubstr(R"("code":"stopping")"));
}

TEST_F(GatewayFailures, AHerddThatDoesNotAnswerIsNotWaitedForForEver) {
  settings.routes[0].answer_timeout = 100ms;
  client = rig().connect();
  client.send(request());
  rig().expect<gateway::Acquire>();
  EXPECT_THAT(client.read_message(), StartsWith("HTTP/1.1 503 "));
  rig().expect<gateway::Cancel>();
}

TEST_F(GatewayFailures, SigtermFinishesWhatIsOpen) {
  pin();
  Peer idle = rig().connect();
  idle.send(request());
  upstream.read_head();
  upstream.send(answer("x"));
  idle.read_message();
  client.send(request());
  upstream.read_head();
  rig().gateway.signal(SIGTERM);
  EXPECT_TRUE(idle.is_ended());
  upstream.send(answer("last"));
  const std::string got = client.read_message();
  EXPECT_THAT(got, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(got.ends_with("last"));
  EXPECT_TRUE(client.is_ended());
  client.close();
  EXPECT_EQ(rig().gateway.wait(10s), 0);
}

}  // namespace
}  // namespace herd::test
