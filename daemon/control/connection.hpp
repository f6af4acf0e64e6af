// One client of the control socket: reads requests, carries out what the routes decide, keeps the deadlines.
//
// Its coroutine is the only one that reads and writes. Beside it run plain callbacks that only set a flag and
// wake it: the deadline's timer, the watch for a client that hangs up, a pool's answer, a ring's news, the
// server's stop.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>
#include <string>

#include "daemon/control/core.hpp"
#include "daemon/control/http_text.hpp"
#include "daemon/control/routes.hpp"

namespace herd::control {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::local::stream_protocol::socket;

  Connection(std::shared_ptr<Core> core, Socket socket, Peer peer, bool refused);

  /// Spawns its coroutine; the core forgets it at its end.
  void start();
  /// Ends what waits, lets finish what is being written.
  void stop();
  /// Ends everything now.
  void abort();

  [[nodiscard]] const Peer& peer() const { return peer_; }
  [[nodiscard]] bool is_refused() const { return refused_; }

 private:
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;
  using Clock = std::chrono::steady_clock;
  enum class Read { request, bad, closed };
  struct Waiting;

  static Awaitable<void> serve(std::shared_ptr<Connection> self);
  Awaitable<void> serve_requests();
  Awaitable<void> refuse(ApiError error);
  Awaitable<Read> read_request();
  Read parse_some();
  Read after_failed_read();
  Awaitable<bool> more_bytes();
  Awaitable<bool> carry_out(Outcome outcome);
  Awaitable<bool> wait_for_acquire(AcquireCall call);
  std::shared_ptr<Waiting> ask_for_session(const AcquireCall& call);
  Awaitable<bool> give_up_acquire(std::shared_ptr<Waiting> waiting);
  Awaitable<bool> write_answer(Answer answer);
  Awaitable<bool> stream(unsigned status, std::unique_ptr<LineSource> source);
  Awaitable<bool> write_out(std::chrono::milliseconds deadline);
  Awaitable<void> linger();
  Awaitable<void> sleep_until_woken();

  Outcome decide();
  void set_deadline(std::chrono::milliseconds after);
  void clear_deadline() { deadline_ = Clock::time_point::max(); }
  void arm_timer();
  void on_timer(boost::system::error_code error);
  void watch_hangup();
  void wake() { waker_.cancel(); }
  void close();

  std::shared_ptr<Core> core_;
  Socket socket_;
  const Peer peer_;
  const bool refused_;

  boost::beast::flat_buffer input_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  std::string output_, lines_;
  Manners manners_;
  ApiError bad_;  // what is wrong with a request that read_request calls bad
  enum class Phase { idle, header, body } phase_ = Phase::idle;

  boost::asio::steady_timer timer_;  // never armed later than deadline_; moving that on costs nothing
  bool timer_is_armed_ = false;
  Clock::time_point deadline_ = Clock::time_point::max();
  boost::asio::steady_timer waker_;  // never expires: cancelled to wake the coroutine

  bool reading_ = false;   // for a request
  bool watching_ = false;  // for a hang-up
  bool expired_ = false, hung_up_ = false, stopping_ = false;
};

}  // namespace herd::control
