// An answer's bytes, from the worker to the client.
#include <charconv>

#include "daemon/gateway/client_connection.hpp"
#include "daemon/gateway/exchange.hpp"
#include "daemon/gateway/server.hpp"

namespace herd::gateway {
namespace {

constexpr int kMaxInterims = 32;

std::string_view in_hex(std::size_t number, std::span<char> room) {
  const auto end = std::to_chars(room.data(), room.data() + room.size(), number, 16).ptr;
  return {room.data(), static_cast<std::size_t>(end - room.data())};
}

}  // namespace

void Exchange::pump_answer() {
  for (int reads = 0;;) {
    const auto sent = answer_.flush(client_.channel());
    if (sent == Flow::Sent::broken) return client_gone();
    if (sent == Flow::Sent::blocked) break;
    if (phase_ == Phase::refusing || reading_ == Reading::over) return finish();
    if (!answer_.input.is_empty()) {
      const Step step = reading_ == Reading::head ? read_answer_head() : take_answer_piece();
      if (step == Step::over) return;
      if (step == Step::again) continue;
    }
    if (!worker_->channel().is_readable()) break;
    if (++reads > Flow::kReadsOfATurn) {
      server_.loop().again(client_);
      break;
    }
    auto room = answer_.input.room(server_.buffers());
    if (room.empty()) {
      answer_.input.grow_to(server_.settings().limits.header_bytes + 1, server_.buffers());
      room = answer_.input.room(server_.buffers());
    }
    const auto received = worker_->channel().receive(room);
    if (received.got == Channel::Got::nothing) break;
    if (received.got != Channel::Got::bytes) return on_worker_end(received.got == Channel::Got::end);
    answer_.input.came(received.count);
  }
  answer_.input.rest(server_.buffers());
  watch_client();
}

Exchange::Step Exchange::read_answer_head() {
  const Limits& limits = server_.settings().limits;
  const std::string_view bytes = answer_.input.view();
  const auto size = answer_end_.find(bytes);
  if (answer_end_.is_bad() || size.value_or(bytes.size()) > limits.header_bytes) {
    bad_answer(answer_end_.is_bad() ? http::kBareLineFeed.sentence : "its head is too large");
    return Step::over;
  }
  if (!size) return Step::needs_bytes;
  answer_end_.restart();
  http::AnswerHead& head = server_.answer_head;
  if (const http::Fault* fault =
          http::parse_answer(bytes.substr(0, *size), static_cast<std::size_t>(limits.headers), head)) {
    bad_answer(fault->sentence);
    return Step::over;
  }
  answer_.input.consume(*size);
  return on_answer_head(head);
}

Exchange::Step Exchange::on_answer_head(const http::AnswerHead& head) {
  if (head.status == 101) {
    if (!asks_for_upgrade_ || head.upgrade.empty() || !request_body_.is_done()) {
      bad_answer("it changes to a protocol that nobody asked for");
    } else {
      open_tunnel(head);
    }
    return Step::over;
  }
  if (head.status >= 200) {
    pass_answer(head);
    // The body's beginning goes out with the head.
    return answer_.input.is_empty() || reading_ == Reading::over ? Step::again : take_answer_piece();
  }
  if (++interims_ > kMaxInterims) {
    bad_answer("it has no end of interim answers");
    return Step::over;
  }
  if (!is_old_client_) pass_interim(head);
  return Step::again;
}

void Exchange::pass_interim(const http::AnswerHead& head) {
  answer_.clear_text();
  append_answer(answer_.head, head, {.has_no_body = true});
}

void Exchange::pass_answer(const http::AnswerHead& head) {
  const bool has_no_body = is_head_ || head.status == 204 || head.status == 304;
  const bool is_endless = !has_no_body && !head.framing.is_chunked && !head.framing.length;
  status_ = head.status;
  keeps_worker_ = head.keeps_connection() && !is_endless;
  is_chunked_anew_ = is_endless && !is_old_client_;
  is_plain_ = is_old_client_ && head.framing.is_chunked;
  // A body that the client has not sent yet, it may keep: then its next request could not be told from it.
  if (!request_body_.is_done()) keeps_client_ = false;
  if (server_.is_draining() || (is_old_client_ && (is_endless || (is_plain_ && !has_no_body))))
    keeps_client_ = false;
  answer_body_ = has_no_body  ? http::Body()
                 : is_endless ? http::Body(http::Body::Kind::until_close)
                              : http::Body::of(head.framing);
  answer_.clear_text();
  append_answer(answer_.head, head,
                {.is_chunked_anew = is_chunked_anew_,
                 .is_chunked_no_more = is_plain_,
                 .has_no_body = head.status == 204,
                 .closes = !keeps_client_,
                 .says_keep_alive = keeps_client_ && is_old_client_,
                 .cookie = cookie_line_});
  reading_ = answer_body_.is_done() ? Reading::over : Reading::body;
}

Exchange::Step Exchange::take_answer_piece() {
  const Limits& limits = server_.settings().limits;
  if (answer_.is_flushed()) answer_.clear_text();
  const auto piece =
      answer_body_.next(answer_.input.view(), is_plain_,
                        {limits.header_bytes, static_cast<std::size_t>(limits.headers)}, answer_.tail);
  if (answer_body_.is_bad()) {
    bad_answer("its body is not chunked as it says");
    return Step::over;
  }
  if (is_chunked_anew_) {
    char digits[16];
    answer_.head.append(in_hex(piece.pass, digits)).append("\r\n");
    answer_.tail = "\r\n";
  }
  answer_.set(piece);
  if (answer_body_.is_done()) reading_ = Reading::over;
  return piece.is_empty() && reading_ != Reading::over && answer_.is_flushed() ? Step::needs_bytes
                                                                               : Step::again;
}

/// The worker's connection is over, and it has answered nothing, half, or all that it had.
void Exchange::on_worker_end(bool is_clean) {
  if (reading_ == Reading::head) return worker_lost();
  if (answer_body_.kind() != http::Body::Kind::until_close || !is_clean) return client_gone();
  answer_.clear_text();
  if (is_chunked_anew_) answer_.head = "0\r\n\r\n";
  reading_ = Reading::over;
  pump_answer();
}

void Exchange::bad_answer(const char* sentence) {
  keeps_worker_ = false;
  if (reading_ != Reading::head) return client_gone();
  refuse({502, "bad_answer", std::string("the worker's answer is refused: ") + sentence, "", pool_->name});
}

}  // namespace herd::gateway
