#include "daemon/gateway/exchange.hpp"

#include "daemon/gateway/client_connection.hpp"
#include "daemon/gateway/server.hpp"
#include "daemon/gateway/session_place.hpp"

namespace herd::gateway {
namespace {

using Found = NamedSession::Found;
using Then = ClientConnection::Then;

// Text that a large head has made larger is not kept with an idle connection.
constexpr std::size_t kMaxKeptText = 2U << 10;

std::string place_name(const SessionPlace& place) {
  switch (place.kind) {
    case SessionPlace::Kind::header:
      return "the header " + place.name;
    case SessionPlace::Kind::cookie:
      return "the cookie " + place.name;
    case SessionPlace::Kind::path:
      return "the path's segment behind the prefix";
    case SessionPlace::Kind::query:
      return "the query's parameter " + place.name;
  }
  return "";
}

Refusal refusal_of(Found found, const Route& route) {
  const std::string place = place_name(route.session);
  if (found == Found::none)
    return {400, "no_session", "the request names no session", "name it in " + place, route.pool};
  if (found == Found::several)
    return {400, "bad_request", "the request names several sessions", "name one in " + place, route.pool};
  return {400, "bad_session_name", "the session's name in " + place + " is not one",
          "1 to 128 bytes of letters, digits and . _ ~ : @ -", route.pool};
}

void keep_little(std::string& text) {
  if (text.capacity() > kMaxKeptText) text = std::string();
}

}  // namespace

// ---- a request's start
// ----------------------------------------------------------------------------------------

void Exchange::begin(const http::RequestHead& head) {
  begun_ = server_.loop().now();
  is_head_ = head.method == "HEAD";
  is_safe_ = head.is_safe();
  is_old_client_ = head.minor_version == 0;
  keeps_client_ = head.keeps_connection() && !server_.is_draining();
  expects_continue_ = head.expects_continue;
  request_body_ = http::Body::of(head.framing);
  if (client_.channel().has_hung_up()) return client_gone();
  const Way way = find_way(server_.settings().routes, head);
  if (way.fault != nullptr) return refuse(bad_request(way.fault->status, way.fault->sentence));
  if (way.route == nullptr)
    return refuse({404, "unknown_route", "no pool takes this host and path",
                   "a pool's file says which are its, in `gateway`"});
  start(*way.route, head);
}

void Exchange::start(const Route& route, const http::RequestHead& head) {
  pool_ = &server_.sessions().pool(route.pool);
  NamedSession named = find_session(route, head, server_.settings().cookie_key, server_.session_text);
  const bool issues = named.found == Found::none && route.session.issues && route.creates &&
                      route.session.kind == SessionPlace::Kind::cookie;
  if (issues) {
    server_.session_text = random_session();
    named = {Found::yes, server_.session_text};
    cookie_line_ = set_cookie_line(route.session.name,
                                   server_.settings().cookie_key.sign(route.pool, named.name), route.prefix);
  }
  if (named.found != Found::yes) return refuse(refusal_of(named.found, route));
  creates_ = route.creates;
  hold_ = route.hold;
  answer_timeout_ = route.answer_timeout;
  tunnel_idle_timeout_ = route.tunnel_idle_timeout;
  if (route.request_timeout) request_deadline_ = begun_ + *route.request_timeout;
  asks_for_upgrade_ = asks_for_upgrade(head);
  append_request(request_.head, head,
                 {route, client_.address(), server_.request_ids().next(), named.path_bytes});
  session_ = server_.sessions().join(*pool_, named.name, creates_, *this);
  find_worker();
}

/// The session is joined; its answer may be there already.
void Exchange::find_worker() {
  phase_ = Phase::asking;
  wait(Waits::grant, answer_timeout_);
  if (session_->state == Session::State::granted) on_session_changed();
}

void Exchange::on_session_changed() {
  switch (session_->state) {
    case Session::State::asking:
      return;
    case Session::State::granted:
      if (phase_ != Phase::asking) return;
      if (!is_session_used_) server_.sessions().begin_use(session_, hold_);
      is_session_used_ = true;
      return connect(session_->connection(*this, !is_safe_));
    case Session::State::refused: {
      // Who asked may not make sessions; this request may.
      if (creates_ && !session_->creates) {
        const std::string name = session_->name;
        leave_session();
        session_ = server_.sessions().join(*pool_, name, creates_, *this);
        return find_worker();
      }
      return refuse(herd::gateway::refusal_of(session_->refused, pool_->name));
    }
    case Session::State::ended:
      return on_session_ended();
  }
}

void Exchange::connect(std::unique_ptr<WorkerConnection> connection) {
  worker_ = std::move(connection);
  ++attempts_;
  was_connected_ = false;
  phase_ = Phase::connecting;
  wait(Waits::connect, server_.settings().limits.connect_timeout);
  go_on();
}

// ---- events
// -------------------------------------------------------------------------------------------

void Exchange::on_client_events() {
  const bool waits_for_answer = phase_ == Phase::asking || phase_ == Phase::connecting ||
                                phase_ == Phase::open || phase_ == Phase::lost;
  if (waits_for_answer && client_.channel().has_hung_up()) return client_gone();
  go_on();
}

void Exchange::on_worker_events() {
  go_on();
}

void Exchange::go_on() {
  switch (phase_) {
    case Phase::connecting: {
      const auto state = worker_->connect();
      if (state == WorkerConnection::State::connecting) return;
      if (!worker_->is_used()) {
        auto& counters = pool_->counters;
        (state == WorkerConnection::State::open ? counters.connects : counters.failed_connects).add();
      }
      if (state == WorkerConnection::State::failed) return worker_lost();
      was_connected_ = true;
      phase_ = Phase::open;
      return pump();
    }
    case Phase::open:
    case Phase::refusing:
      return pump();
    case Phase::tunnel:
      return pump_tunnel();
    case Phase::none:
    case Phase::asking:
    case Phase::lost:
      return;
  }
}

void Exchange::pump() {
  if (phase_ == Phase::open && !pump_request()) return;
  pump_answer();
}

/// After each turn: whether the next bytes have to come from the client, or be taken by it.
void Exchange::watch_client() {
  if (waits_ == Waits::session_end && reading_ == Reading::head) return;
  const bool waits_for_continue = expects_continue_ && interims_ == 0 && request_body_.is_untouched();
  const bool awaits_body = phase_ == Phase::open && !request_body_.is_done() && request_.is_flushed() &&
                           !is_request_broken_ && !waits_for_continue;
  if (answer_.is_flushed() && !awaits_body) {
    waits_ = Waits::nothing;
    return;
  }
  const std::uint64_t moved = request_.moved() + answer_.moved();
  if (waits_ == Waits::client && moved == moved_) return;
  moved_ = moved;
  wait(Waits::client, server_.settings().limits.body_timeout);
}

// ---- the end
// ------------------------------------------------------------------------------------------

/// The answer has been passed on, all of it.
void Exchange::finish() {
  PoolCounters& counters = pool_ != nullptr ? pool_->counters : server_.sessions().pool("").counters;
  if (phase_ != Phase::tunnel && status_ != 0) counters.answered(status_, server_.loop().now() - begun_);
  count_bytes();
  const bool is_read = request_body_.is_done();
  release_worker(keeps_worker_ && is_read && request_.is_flushed() && !is_request_broken_ &&
                 answer_.input.is_empty());
  leave_session();
  // Of a request that was refused here: else the client's next one would begin with its body.
  request_.drop_run();
  request_.clear_text();
  answer_.clear(server_.buffers());
  keep_little(request_.head);
  keep_little(answer_.head);
  answer_end_.restart();
  reading_ = Reading::head;
  phase_ = Phase::none;
  waits_ = Waits::nothing;
  request_deadline_.reset();
  cookie_line_.clear();
  pool_ = nullptr;
  status_ = interims_ = resent_ = attempts_ = 0;
  is_request_broken_ = keeps_worker_ = is_chunked_anew_ = is_plain_ = asks_for_upgrade_ = false;
  client_.on_exchange_over(keeps_client_ && is_read ? Then::next : Then::linger);
}

void Exchange::count_bytes() {
  const std::uint64_t in = request_.take_count(), out = answer_.take_count();
  if (pool_ == nullptr) return;
  pool_->counters.bytes_in.add(in);
  pool_->counters.bytes_out.add(out);
}

void Exchange::release_worker(bool keep) {
  if (!worker_) return;
  if (keep && session_->state == Session::State::granted && !worker_->channel().is_readable()) {
    session_->keep(std::move(worker_));
    return;
  }
  worker_->channel().close();
  server_.loop().retire(std::move(worker_));
}

void Exchange::leave_session() {
  if (!session_) return;
  if (std::exchange(is_session_used_, false)) server_.sessions().end_use(*session_);
  server_.sessions().leave(session_, *this);
  session_.reset();
}

// ---- deadlines
// ---------------------------------------------------------------------------------------

void Exchange::wait(Waits waits, std::chrono::milliseconds limit) {
  waits_ = waits;
  deadline_ = server_.loop().now() + limit;
}

void Exchange::on_tick() {
  count_bytes();
  const TimePoint now = server_.loop().now();
  if (request_deadline_ && now >= *request_deadline_ && phase_ != Phase::tunnel && phase_ != Phase::refusing)
    return time_out();
  if (waits_ != Waits::nothing && now >= deadline_) return on_deadline();
  if (phase_ == Phase::connecting) go_on();
}

void Exchange::on_deadline() {
  Counters& counters = server_.counters();
  switch (waits_) {
    case Waits::nothing:
      return;
    case Waits::grant:
      return refuse(no_daemon(pool_->name));
    case Waits::connect:
      counters.limited(Limit::connect_timeout);
      return worker_lost();
    case Waits::session_end:
      return phase_ == Phase::lost ? resolve_loss() : worker_lost();
    case Waits::client:
      counters.limited(Limit::body_timeout);
      if (phase_ == Phase::open && reading_ == Reading::head && interims_ == 0)
        return refuse({408, "too_slow", "the request's body took too long", "", pool_->name});
      return client_gone();
    case Waits::tunnel:
      counters.limited(Limit::tunnel_idle_timeout);
      return close_tunnel();
    case Waits::tunnel_end:
      return end_tunnel();
  }
}

void Exchange::on_drain() {
  keeps_client_ = false;
  if (phase_ == Phase::tunnel) close_tunnel();
}

}  // namespace herd::gateway
