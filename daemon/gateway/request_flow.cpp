// A request's bytes, from the client to the worker.
#include "daemon/gateway/client_connection.hpp"
#include "daemon/gateway/exchange.hpp"
#include "daemon/gateway/server.hpp"

namespace herd::gateway {

/// False: the request is over.
bool Exchange::pump_request() {
  for (int reads = 0; !is_request_broken_; ++reads) {
    if (request_.is_flushed() || !request_.has_sent()) {
      if (!take_request_piece()) return false;
    }
    const auto sent = request_.flush(worker_->channel());
    // What it has answered before is still there to be read.
    if (sent == Flow::Sent::broken) is_request_broken_ = true;
    if (sent != Flow::Sent::all) return true;
    if (request_body_.is_done()) break;
    if (reads == Flow::kReadsOfATurn) {
      server_.loop().again(client_);
      break;
    }
    if (!receive_request_body()) break;
  }
  if (phase_ != Phase::open) return false;
  request_.input.rest(server_.buffers());
  return true;
}

/// So much of the input as there is of the body. False: it is no body.
bool Exchange::take_request_piece() {
  if (request_body_.is_done() || request_.input.is_empty() || request_.has_run()) return true;
  const Limits& limits = server_.settings().limits;
  request_.set(request_body_.next(request_.input.view(), false,
                                  {limits.header_bytes, static_cast<std::size_t>(limits.headers)},
                                  request_.tail));
  if (!request_body_.is_bad()) return true;
  keeps_client_ = false;
  if (reading_ != Reading::head || interims_ > 0) {
    client_gone();
  } else {
    refuse(bad_request(400, "the request's body is not chunked as it says"));
  }
  return false;
}

/// False: nothing more is there now, or the request is over.
bool Exchange::receive_request_body() {
  Channel& from = client_.channel();
  if (!from.is_readable()) return false;
  auto room = request_.input.room(server_.buffers());
  if (room.empty()) {
    // Trailers, which pass all at once: larger than a buffer, and not yet too large.
    request_.input.grow_to(server_.settings().limits.header_bytes + 1, server_.buffers());
    room = request_.input.room(server_.buffers());
  }
  const auto received = from.receive(room);
  if (received.got == Channel::Got::end || received.got == Channel::Got::broken) {
    client_gone();
    return false;
  }
  request_.input.came(received.count);
  return received.count > 0;
}

}  // namespace herd::gateway
