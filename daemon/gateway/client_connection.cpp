#include "daemon/gateway/client_connection.hpp"

#include <algorithm>

#include "daemon/gateway/server.hpp"

namespace herd::gateway {
namespace {

constexpr std::chrono::seconds kLinger{2};
constexpr std::size_t kMaxLingerBytes = 8U << 20;  // more than this nobody sends who is listening

}  // namespace

ClientConnection::ClientConnection(Server& server, ClientAddress address)
    : server_(server), address_(std::move(address)), exchange_(server, *this) {}

Status ClientConnection::open(UniqueFd socket) {
  // A client that connects and says nothing has no more time than one that says a little.
  set_deadline(server_.settings().limits.header_timeout);
  return channel_.open(server_.loop(), std::move(socket), *this);
}

void ClientConnection::on_events(std::uint32_t events) {
  if (state_ == State::closed) return;
  channel_.note(events);
  switch (state_) {
    case State::exchanging:
      return exchange_.on_client_events();
    case State::lingering:
      return discard();
    default:
      return advance();
  }
}

/// Request by request: an exchange that is over at once comes back here by on_exchange_over().
void ClientConnection::advance() {
  if (is_advancing_) return;
  is_advancing_ = true;
  int reads = 0;
  while (state_ == State::waiting || state_ == State::reading) {
    if (take_head()) continue;
    if (++reads > Flow::kReadsOfATurn) {
      server_.loop().again(*this);
      break;
    }
    if (!receive_head()) break;
  }
  is_advancing_ = false;
}

/// False: more bytes are needed.
bool ClientConnection::take_head() {
  Buffer& input = exchange_.request_input();
  if (input.is_empty()) return false;
  if (state_ == State::waiting) {
    state_ = State::reading;
    set_deadline(server_.settings().limits.header_timeout);
  }
  const Limits& limits = server_.settings().limits;
  const std::string_view bytes = input.view();
  const auto size = head_end_.find(bytes);
  if (head_end_.is_bad()) {
    refuse(http::kBareLineFeed.status, http::kBareLineFeed.sentence);
    return true;
  }
  if (size.value_or(bytes.size()) > limits.header_bytes) {
    server_.counters().limited(Limit::header_bytes);
    refuse(431, "the request's head is too large");
    return true;
  }
  if (!size) return false;
  http::RequestHead& head = server_.request_head;
  if (const http::Fault* fault =
          http::parse_request(bytes.substr(0, *size), static_cast<std::size_t>(limits.headers), head)) {
    if (fault == &http::kTooManyFields) server_.counters().limited(Limit::headers);
    refuse(fault->status, fault->sentence);
    return true;
  }
  head_end_.restart();
  is_first_ = false;
  state_ = State::exchanging;
  input.consume(*size);
  exchange_.begin(head);
  return true;
}

/// False: nothing more is there now, or ever.
bool ClientConnection::receive_head() {
  Buffer& input = exchange_.request_input();
  if (!channel_.is_readable()) {
    input.rest(server_.buffers());
    if (server_.is_draining() && state_ == State::waiting) close();
    return false;
  }
  auto room = input.room(server_.buffers());
  if (room.empty()) {
    input.grow_to(server_.settings().limits.header_bytes + 1, server_.buffers());
    room = input.room(server_.buffers());
  }
  const auto received = channel_.receive(room);
  if (received.got == Channel::Got::end || received.got == Channel::Got::broken) {
    close();
    return false;
  }
  input.came(received.count);
  return true;
}

void ClientConnection::refuse(int status, const char* sentence) {
  state_ = State::exchanging;
  exchange_.refuse_unread(bad_request(status, sentence));
}

void ClientConnection::on_exchange_over(Then then) {
  switch (then) {
    case Then::next:
      state_ = State::waiting;
      set_deadline(server_.settings().limits.keep_alive_timeout);
      return advance();
    case Then::close:
      return close();
    case Then::linger:
      return linger();
    case Then::abort:
      channel_.reset();
      return close();
  }
}

/// Closing with bytes of the client's unread would reset the connection under the answer.
void ClientConnection::linger() {
  state_ = State::lingering;
  channel_.end_sending();
  set_deadline(kLinger);
  discard();
}

void ClientConnection::discard() {
  Buffer& input = exchange_.request_input();
  while (channel_.is_readable()) {
    input.consume(input.view().size());
    const auto received = channel_.receive(input.room(server_.buffers()));
    lingered_ += received.count;
    if (received.got == Channel::Got::nothing) break;
    if (received.got != Channel::Got::bytes || lingered_ > kMaxLingerBytes) return close();
  }
  input.drop(server_.buffers());
}

void ClientConnection::set_deadline(std::chrono::milliseconds after) {
  deadline_ = server_.loop().now() + after;
}

void ClientConnection::on_tick() {
  if (state_ == State::exchanging) return exchange_.on_tick();
  if (server_.loop().now() < deadline_) return;
  if (state_ == State::reading) {
    server_.counters().limited(Limit::header_timeout);
    state_ = State::exchanging;
    return exchange_.refuse_unread({408, "too_slow", "the request's head took too long"});
  }
  if (state_ == State::waiting)
    server_.counters().limited(is_first_ ? Limit::header_timeout : Limit::keep_alive_timeout);
  close();
}

void ClientConnection::on_drain() {
  if (state_ == State::exchanging) return exchange_.on_drain();
  if (state_ == State::waiting) advance();
}

void ClientConnection::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  channel_.close();
  exchange_.request_input().drop(server_.buffers());
  server_.remove(*this);
}

}  // namespace herd::gateway
