// An upgraded connection: bytes both ways as they come, each way with an end of its own.
#include "daemon/gateway/client_connection.hpp"
#include "daemon/gateway/exchange.hpp"
#include "daemon/gateway/server.hpp"

namespace herd::gateway {
namespace {

// So long may the two ends take to close once they are told to.
constexpr std::chrono::seconds kCloseTime{2};

enum class Carried { all, some, broken };

Carried carry(Flow& flow, Channel& from, Channel& to, bool& is_ended, Buffers& buffers) {
  for (int reads = 0;;) {
    const auto sent = flow.flush(to);
    if (sent == Flow::Sent::broken) return Carried::broken;
    if (sent == Flow::Sent::blocked) return Carried::all;
    if (!flow.input.is_empty()) {
      flow.set({0, flow.input.view().size(), 0});
      continue;
    }
    if (is_ended || !from.is_readable()) break;
    if (++reads > Flow::kReadsOfATurn) return Carried::some;
    const auto received = from.receive(flow.input.room(buffers));
    if (received.got == Channel::Got::broken) return Carried::broken;
    if (received.got == Channel::Got::nothing) break;
    if (received.got == Channel::Got::end) {
      is_ended = true;
      to.end_sending();
      break;
    }
    flow.input.came(received.count);
  }
  flow.input.rest(buffers);
  return Carried::all;
}

}  // namespace

void Exchange::open_tunnel(const http::AnswerHead& head) {
  pool_->counters.answered(head.status, server_.loop().now() - begun_);
  pool_->counters.tunnels.add();
  answer_.clear_text();
  append_answer(answer_.head, head, {.has_no_body = true, .cookie = cookie_line_});
  request_.clear_text();
  phase_ = Phase::tunnel;
  is_request_ended_ = is_answer_ended_ = false;
  waits_ = Waits::nothing;
  if (server_.is_draining()) return close_tunnel();
  pump_tunnel();
}

void Exchange::pump_tunnel() {
  Buffers& buffers = server_.buffers();
  Channel &client = client_.channel(), &worker = worker_->channel();
  const Carried there = carry(request_, client, worker, is_request_ended_, buffers);
  const Carried back =
      there == Carried::broken ? there : carry(answer_, worker, client, is_answer_ended_, buffers);
  if (back == Carried::broken) return end_tunnel();
  if (there == Carried::some || back == Carried::some) server_.loop().again(client_);
  const bool is_over = is_request_ended_ && is_answer_ended_ && request_.is_flushed() && answer_.is_flushed();
  if (is_over) return end_tunnel();
  if (waits_ == Waits::tunnel_end) return;
  if (tunnel_idle_timeout_) wait(Waits::tunnel, *tunnel_idle_timeout_);
}

/// Asks both ends to close, as each does when the other one has.
void Exchange::close_tunnel() {
  if (waits_ == Waits::tunnel_end) return;
  wait(Waits::tunnel_end, kCloseTime);
  worker_->channel().end_sending();
  // What a worker said before its end still comes, and its end after it.
  if (session_->state != Session::State::ended) client_.channel().end_sending();
  pump_tunnel();
}

void Exchange::end_tunnel() {
  pool_->counters.tunnels.subtract_one();
  count_bytes();
  release_worker(false);
  leave_session();
  request_.clear(server_.buffers());
  answer_.clear(server_.buffers());
  phase_ = Phase::none;
  client_.on_exchange_over(ClientConnection::Then::close);
}

}  // namespace herd::gateway
