// herdd's end of a gateway's line, against a test that plays the gateway.
#include "daemon/herdd/gateway_line.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>

#include "common/kernel/memfd.hpp"
#include "daemon/worker/listener.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/unit/control/fake_service.hpp"

namespace herd::daemon {
namespace {

/// Workers have a real socket.
class ServiceWithSockets : public control::FakeService {
 public:
  explicit ServiceWithSockets(std::string address) : address_(std::move(address)) {}
  std::uint64_t acquire(const control::AcquireCall& call,
                        std::function<void(control::ApiResult<control::AcquireResult>)> done) override {
    return FakeService::acquire(call, [this, done = std::move(done)](auto result) {
      if (result) result->body["address"] = address_;
      done(std::move(result));
    });
  }
  control::ApiResult<control::Json> session(const std::string& pool, const std::string& name) const override {
    auto record = FakeService::session(pool, name);
    if (record) (*record)["address"] = address_;
    return record;
  }

 private:
  std::string address_;
};

class Line : public testing::Test {
 protected:
  void SetUp() override {
    auto ends = kernel::seqpacket_pair();
    ASSERT_TRUE(ends);
    gateway_ = std::move((*ends)[1]);
    line_ = std::make_shared<GatewayLine>(io_, std::move((*ends)[0]), "herd-gateway-1", desk_);
    line_->start();
  }
  void TearDown() override {
    line_->close();
    run();
  }
  void run() {
    io_.restart();
    io_.poll();
  }
  void say(const gateway::FromGateway& message, std::span<const int> files = {}) {
    ASSERT_TRUE(kernel::send_message(gateway_.get(), gateway::to_json(message), files));
    run();
  }
  /// The next message, of this kind.
  template <typename T>
  T heard() {
    run();
    auto message = kernel::receive_message(gateway_.get(), false);
    if (!message) throw std::runtime_error("heard nothing: " + message.error().message);
    files_ = std::move(message->fds);
    const auto parsed = gateway::parse_to_gateway(message->text);
    if (!parsed || !std::holds_alternative<T>(*parsed))
      throw std::runtime_error("heard another message: " + message->text);
    return std::get<T>(*parsed);
  }
  bool hears_nothing() {
    run();
    return !kernel::receive_message(gateway_.get(), false);
  }
  void get_session(const std::string& name) {
    say(gateway::Acquire{1, "web", name, true});
    heard<gateway::Granted>();
  }

  boost::asio::io_context io_;
  test::TemporaryDirectory directory_;
  worker::Listener listener_ =
      worker::listen_unix(directory_.path() + "/s", {0600, getegid()}, SOCK_STREAM).value();
  ServiceWithSockets service_{listener_.address};
  config::GatewaySpec route_;
  bool has_route_ = true;
  std::string given_up_;
  std::map<std::uint64_t, std::string> holds_;
  std::vector<std::pair<std::uint64_t, Duration>> let_go_;
  GatewayDesk desk_{service_, [this](const std::string&) { return has_route_ ? &route_ : nullptr; },
                    [this](const std::string& pool, const std::string& session, const std::string& worker) {
                      holds_.emplace(holds_.size() + 1, pool + " " + session + " " + worker);
                      return holds_.size();
                    },
                    [this](std::uint64_t hold, Duration rested) { let_go_.emplace_back(hold, rested); },
                    [this](const std::string& worker) { given_up_ = worker; }};
  UniqueFd gateway_;
  std::shared_ptr<GatewayLine> line_;
  std::vector<UniqueFd> files_;
};

TEST_F(Line, AnAcquireIsAnsweredWithTheWorkersSocket) {
  say(gateway::Acquire{5, "web", "ann", true});
  const auto granted = heard<gateway::Granted>();
  EXPECT_EQ(granted.request, 5u);
  EXPECT_EQ(granted.worker, "web-1");
  EXPECT_TRUE(granted.created);
  ASSERT_EQ(files_.size(), 1u);
  struct stat file {};
  ASSERT_EQ(fstat(files_[0].get(), &file), 0);
  EXPECT_TRUE(S_ISSOCK(file.st_mode));
  ASSERT_EQ(service_.acquires.size(), 1u);
  EXPECT_EQ(service_.acquires[0].lease, config::Lease::idle) << "requests hold it, whatever the pool's lease";
}

TEST_F(Line, ARefusalComesWithItsCodeAndAdvice) {
  service_.mode = control::FakeService::Acquire::refused;
  say(gateway::Acquire{5, "web", "ann", true});
  const auto refused = heard<gateway::Refused>();
  EXPECT_EQ(refused.status, 429u);
  EXPECT_EQ(refused.code, "queue_full");
  EXPECT_EQ(refused.retry_after_seconds, 3);
}

TEST_F(Line, ALookUpBeginsNoSession) {
  say(gateway::Acquire{5, "web", "alice", false});
  EXPECT_FALSE(heard<gateway::Granted>().created);
  say(gateway::Acquire{6, "web", "ann", false});
  EXPECT_EQ(heard<gateway::Refused>().status, 404u);
  EXPECT_TRUE(service_.acquires.empty());
}

TEST_F(Line, AGatewayGetsNothingOfAPoolWithoutARoute) {
  has_route_ = false;
  say(gateway::Acquire{5, "web", "alice", true});
  EXPECT_EQ(heard<gateway::Refused>().code, "unknown_pool");
  EXPECT_TRUE(service_.acquires.empty());
}

TEST_F(Line, AGatewayBeginsNoSessionWhereItsRouteDoesNot) {
  route_.create = false;
  say(gateway::Acquire{5, "web", "ann", true});
  EXPECT_EQ(heard<gateway::Refused>().status, 404u);
  EXPECT_TRUE(service_.acquires.empty());
}

TEST_F(Line, ANameThatNoSessionMayHaveIsRefused) {
  say(gateway::Acquire{5, "web", "../x", true});
  EXPECT_EQ(heard<gateway::Refused>().code, "bad_session_name");
}

TEST_F(Line, WhoHasGoneIsTakenFromTheQueue) {
  service_.mode = control::FakeService::Acquire::queued;
  say(gateway::Acquire{5, "web", "ann", true});
  EXPECT_TRUE(service_.cancelled.empty());
  say(gateway::Cancel{5});
  EXPECT_EQ(service_.cancelled.size(), 1u);
  EXPECT_TRUE(hears_nothing());
}

TEST_F(Line, ASessionIsHeldFromBusyToIdle) {
  get_session("ann");
  say(gateway::Busy{"web", "ann", "web-1"});
  say(gateway::Busy{"web", "ann", "web-1"});
  ASSERT_EQ(holds_.size(), 1u) << "twice is once";
  EXPECT_EQ(holds_[1], "web ann web-1");
  say(gateway::Idle{"web", "ann", "web-1", Duration(300)});
  say(gateway::Idle{"web", "ann", "web-1", Duration(0)});
  EXPECT_EQ(let_go_, (std::vector<std::pair<std::uint64_t, Duration>>{{1, Duration(300)}}));
}

TEST_F(Line, NobodyHoldsWhatHeWasNotGiven) {
  say(gateway::Busy{"web", "bob", "web-1"});
  get_session("ann");
  say(gateway::Busy{"web", "ann", "web-0"});
  EXPECT_TRUE(holds_.empty());
}

TEST_F(Line, TheEndOfASessionIsToldOnceAndOnlyToWhoHasIt) {
  get_session("ann");
  say(gateway::Busy{"web", "ann", "web-1"});
  line_->end_session({"web", "bob", "web-2", "stopped", ""});
  EXPECT_TRUE(hears_nothing());
  line_->end_session({"web", "ann", "web-1", "oom_killed", "killed for its memory"});
  EXPECT_EQ(heard<gateway::SessionEnded>().reason, "oom_killed");
  EXPECT_EQ(let_go_.size(), 1u);
  line_->end_session({"web", "ann", "web-1", "stopped", ""});
  EXPECT_TRUE(hears_nothing());
}

TEST_F(Line, AGatewayThatEndsLetsEverythingGo) {
  get_session("ann");
  say(gateway::Busy{"web", "ann", "web-1"});
  service_.mode = control::FakeService::Acquire::queued;
  say(gateway::Acquire{2, "web", "bob", true});
  gateway_ = {};
  run();
  EXPECT_FALSE(line_->is_open());
  EXPECT_EQ(let_go_.size(), 1u);
  EXPECT_EQ(service_.cancelled.size(), 1u);
}

TEST_F(Line, AnAnswerThatComesAfterTheEndIsNobodys) {
  service_.mode = control::FakeService::Acquire::queued;
  say(gateway::Acquire{2, "web", "bob", true});
  const auto answer = service_.queue.begin()->second;
  gateway_ = {};
  run();
  answer(service_.grant("bob"));
  EXPECT_FALSE(line_->is_open());
}

TEST_F(Line, NonsenseEndsItAndTheGateway) {
  ASSERT_TRUE(kernel::send_message(gateway_.get(), "{\"type\": \"open\"}"));
  run();
  EXPECT_FALSE(line_->is_open());
  EXPECT_EQ(given_up_, "herd-gateway-1") << "without its line it would serve nobody new";
}

TEST_F(Line, AGatewayThatEndsByItselfIsNotGivenUp) {
  gateway_ = {};
  run();
  EXPECT_EQ(given_up_, "") << "why it ended is not for the line to say";
}

// To read or to close what is no memory file may wait for as long as the gateway likes.
TEST_F(Line, AFileThatIsNoReportEndsIt) {
  for (const bool is_report : {true, false}) {
    if (!line_->is_open()) SetUp();
    const UniqueFd file(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int number = file.get();
    say(is_report ? gateway::FromGateway(gateway::Report{}) : gateway::FromGateway(gateway::Cancel{1}),
        std::span(&number, 1));
    EXPECT_FALSE(line_->is_open());
  }
}

TEST_F(Line, StatisticsAreTheLastThatWereReported) {
  gateway::Statistics statistics;
  statistics.accepted = 12;
  const auto file = kernel::sealed_memfd("statistics", gateway::to_json(statistics));
  ASSERT_TRUE(file);
  const int number = file->get();
  say(gateway::Report{}, std::span(&number, 1));
  EXPECT_TRUE(line_->statistics() == statistics);
}

TEST_F(Line, WhatItDoesNotTakeWaits) {
  constexpr int kMany = 2000;  // more than the socket holds
  for (int i = 0; i < kMany; ++i) line_->remove_listener("tcp:" + std::to_string(i));
  for (int i = 0; i < kMany; ++i)
    ASSERT_EQ(heard<gateway::RemoveListener>().address, "tcp:" + std::to_string(i));
}

}  // namespace
}  // namespace herd::daemon
