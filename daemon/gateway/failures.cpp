// What becomes of a request when its worker, its session or its client ends before it.
#include "daemon/gateway/client_connection.hpp"
#include "daemon/gateway/exchange.hpp"
#include "daemon/gateway/server.hpp"

namespace herd::gateway {
namespace {

// Herdd learns of a worker's end about when its sockets close, and says why.
constexpr std::chrono::seconds kReasonWait{1};
constexpr int kMaxResends = 1;
// Also counts tries that came to nothing before a byte was sent.
constexpr int kMaxAttempts = 3;
constexpr int kClientGone = 499;

}  // namespace

/// Answers in the worker's place. No byte of an answer has been passed on.
void Exchange::refuse(Refusal refusal) {
  release_worker(false);
  leave_session();
  const bool keeps = keeps_client_ && request_body_.is_done();
  keeps_client_ = keeps;
  status_ = refusal.status;
  if (refusal.pool.empty() && pool_ != nullptr) refusal.pool = pool_->name;
  answer_.clear(server_.buffers());
  answer_.head = to_text(
      refusal, {.closes = !keeps, .says_keep_alive = keeps && is_old_client_, .has_no_body = is_head_});
  reading_ = Reading::over;
  phase_ = Phase::refusing;
  wait(Waits::nothing, {});
  pump_answer();
}

void Exchange::refuse_unread(const Refusal& refusal) {
  begun_ = server_.loop().now();
  is_head_ = false;
  keeps_client_ = false;
  request_body_ = http::Body();
  refuse(refusal);
}

/// Or has to be sent away: its answer can't be completed.
void Exchange::client_gone() {
  PoolCounters& counters = pool_ != nullptr ? pool_->counters : server_.sessions().pool("").counters;
  counters.answered(status_ != 0 ? status_ : kClientGone, server_.loop().now() - begun_);
  count_bytes();
  release_worker(false);
  leave_session();
  request_.clear(server_.buffers());
  answer_.clear(server_.buffers());
  phase_ = Phase::none;
  client_.on_exchange_over(ClientConnection::Then::abort);
}

/// One that may have been seen only where that does no harm, and once. A body that has passed is gone.
bool Exchange::may_send_again() const {
  if (attempts_ >= kMaxAttempts) return false;
  if (!request_.has_sent()) return true;
  return is_safe_ && interims_ == 0 && resent_ < kMaxResends && request_body_.is_untouched();
}

/// The connection is over and no answer came; or there was none to be had.
void Exchange::worker_lost() {
  const bool was_used = worker_->is_used();
  release_worker(false);
  answer_.clear(server_.buffers());
  answer_end_.restart();
  if (session_->state == Session::State::ended) return resolve_loss();
  // A connection that was kept may have been closed for its age alone.
  if (was_connected_ && was_used && may_send_again()) {
    pool_->counters.retries.add();
    if (request_.has_sent()) ++resent_;
    request_.rewind();
    is_request_broken_ = false;
    return connect(session_->new_connection(*this));
  }
  phase_ = Phase::lost;
  wait(Waits::session_end, kReasonWait);
}

/// Herdd has said that the session is over, or nothing for long enough.
void Exchange::resolve_loss() {
  const bool is_over = session_->state == Session::State::ended;
  if (may_send_again() && (is_over ? creates_ : was_connected_)) {
    pool_->counters.retries.add();
    if (request_.has_sent()) ++resent_;
    request_.rewind();
    is_request_broken_ = false;
    if (!is_over) return connect(session_->new_connection(*this));
    const std::string name = session_->name;
    leave_session();
    session_ = server_.sessions().join(*pool_, name, creates_, *this);
    return find_worker();
  }
  if (is_over) {
    const SessionEnded& ended = session_->ended;
    return refuse({502, "worker_gone", "the session's worker is gone: " + ended.sentence,
                   "what the session held is lost; the next request starts a new one", pool_->name,
                   ended.reason});
  }
  if (was_connected_)
    return refuse({502, "bad_answer", "the worker closed the connection without an answer", "", pool_->name});
  refuse({502, "worker_gone", "the worker takes no connection", "", pool_->name, "unreachable"});
}

void Exchange::on_session_ended() {
  switch (phase_) {
    case Phase::connecting:
      return worker_lost();
    case Phase::lost:
      return resolve_loss();
    case Phase::open:
      // What it had answered before its end is read to the end; an end that doesn't come is not waited for.
      if (reading_ == Reading::head) wait(Waits::session_end, kReasonWait);
      return;
    case Phase::tunnel:
      return close_tunnel();
    case Phase::none:
    case Phase::asking:
    case Phase::refusing:
      return;
  }
}

void Exchange::time_out() {
  server_.counters().limited(Limit::request_timeout);
  if (phase_ == Phase::open && reading_ != Reading::head) return client_gone();
  if (interims_ > 0) keeps_client_ = false;
  refuse({504, "request_timeout", "the request took longer than its pool allows", "", pool_->name});
}

}  // namespace herd::gateway
