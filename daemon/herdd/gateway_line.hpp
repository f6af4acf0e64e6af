// herdd's end of one gateway's line: gives it sessions, and tells it when they end. Lives on the loop.
//
// A gateway is not trusted: it gets sessions of the pools that have a route, and no others.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>

#include "common/kernel/seqpacket.hpp"
#include "daemon/control/service.hpp"
#include "daemon/herdd/file_closer.hpp"
#include "protocol/gateway/line.hpp"
#include "protocol/gateway/statistics.hpp"

namespace herd::daemon {

/// What a line asks of the daemon.
struct GatewayDesk {
  control::Service& service;
  /// Null: no route leads to this pool.
  std::function<const config::GatewaySpec*(const std::string& pool)> route_to;
  /// Until let_go() of the number that it returns.
  std::function<std::uint64_t(const std::string& pool, const std::string& session, const std::string& worker)>
      hold;
  std::function<void(std::uint64_t hold, Duration rested)> let_go;
  /// A gateway that does not keep to the protocol: without its line it can serve nobody new.
  std::function<void(const std::string& worker)> give_up = nullptr;
};

class GatewayLine : public std::enable_shared_from_this<GatewayLine> {
 public:
  using File = std::shared_ptr<const UniqueFd>;

  GatewayLine(boost::asio::io_context& io, UniqueFd end, std::string worker, const GatewayDesk& desk);
  void start();
  /// What it held is let go, what it waited for given up.
  void close();

  void configure(File settings) { send(gateway::Configure{}, std::move(settings)); }
  void add_listener(const std::string& address, File socket) {
    send(gateway::AddListener{address}, std::move(socket));
  }
  void remove_listener(const std::string& address) { send(gateway::RemoveListener{address}); }
  void end_session(const gateway::SessionEnded& ended);

  [[nodiscard]] const std::string& worker() const { return worker_; }
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  [[nodiscard]] const gateway::Statistics& statistics() const { return statistics_; }

 private:
  using Self = std::shared_ptr<GatewayLine>;
  using Key = std::tuple<std::string, std::string, std::string>;  // pool, session, worker
  struct Outgoing {
    std::string text;
    File file;
  };
  static boost::asio::awaitable<void> read(Self self);
  static boost::asio::awaitable<void> write(Self self);
  bool read_some();
  void on(const gateway::Acquire& message);
  void on(const gateway::Cancel& message);
  void on(const gateway::Busy& message);
  void on(const gateway::Idle& message);
  void on_report(const kernel::Message& message);
  void grant(const gateway::Acquire& message, const control::Json& session, bool created);
  void refuse(std::uint64_t request, const control::ApiError& error);
  void send(const gateway::ToGateway& message, File file = nullptr);
  void fail(const std::string& why);

  GatewayDesk desk_;
  FileCloser closer_;  // of what is no report
  std::string worker_;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer written_;  // never expires; cancelled: there is something to write
  std::deque<Outgoing> outgoing_;
  std::map<std::uint64_t, std::uint64_t> waiting_;  // the gateway's number -> the daemon's
  std::set<Key> granted_;                           // whose end it is told
  std::map<Key, std::uint64_t> holds_;
  gateway::Statistics statistics_;
};

}  // namespace herd::daemon
