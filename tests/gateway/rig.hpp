// A real herd-gateway, with the test in herdd's place.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "protocol/gateway/line.hpp"
#include "protocol/gateway/statistics.hpp"
#include "tests/gateway/fake_worker.hpp"
#include "tests/gateway/peer.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::test {

/// One pool, `web`, for all paths, by the header; short times where a test waits for their end.
gateway::Settings web_settings();

class Rig {
 public:
  explicit Rig(const gateway::Settings& settings = web_settings());

  /// A client's connection.
  Peer connect() const { return connect_tcp(port_); }
  /// The next message that is no Report.
  gateway::FromGateway next();
  template <typename T>
  T expect() {
    const auto message = next();
    const T* wanted = std::get_if<T>(&message);
    EXPECT_NE(wanted, nullptr) << gateway::to_json(message);
    return wanted != nullptr ? *wanted : T{};
  }
  bool has_message(int milliseconds);
  void send(const gateway::ToGateway& message, const UniqueFd& fd = {});
  /// Answers the Acquire that comes next, and takes the Busy that follows.
  void grant(const FakeWorker& worker, const std::string& name = "web-1");
  void end_session(const std::string& session, const std::string& reason, const std::string& sentence,
                   const std::string& worker = "web-1");
  void configure(const gateway::Settings& settings);
  /// Waits for a Report in which it holds.
  template <typename Holds>
  bool reports(Holds&& holds);
  void close_line() { line_.reset(); }
  std::unique_ptr<FakeWorker> make_worker();
  std::unique_ptr<FakeWorker> make_tcp_worker() { return std::make_unique<FakeWorker>(""); }
  /// In KiB.
  [[nodiscard]] std::uint64_t resident() const;
  [[nodiscard]] int port() const { return port_; }

  Process gateway;

 private:
  bool read_message(int milliseconds);

  TemporaryDirectory directory_;
  UniqueFd line_, listener_;
  int port_ = 0, workers_ = 0;
  std::optional<gateway::FromGateway> message_;
  gateway::Statistics statistics_;
  bool has_report_ = false;
};

template <typename Holds>
bool Rig::reports(Holds&& holds) {
  for (int i = 0; i < 10; ++i) {
    if (holds(statistics_)) return true;
    has_report_ = false;
    while (!has_report_ && read_message(5000)) message_.reset();
  }
  return false;
}

/// A request of the session `a`.
std::string request(const std::string& method = "GET", const std::string& target = "/",
                    const std::string& fields = "", const std::string& body = "");
std::string answer(const std::string& body, const std::string& fields = "");

/// A test with a gateway, one worker and the session `a` pinned to it.
class GatewayTest : public ::testing::Test {
 protected:
  /// Sends the session's first request and answers it, so that both connections are kept.
  void pin();
  Rig& rig();
  gateway::Settings settings = web_settings();  // before the first rig()
  std::unique_ptr<FakeWorker> worker;
  Peer client, upstream;

 private:
  std::unique_ptr<Rig> rig_;
};

}  // namespace herd::test
