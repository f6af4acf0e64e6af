#include "daemon/control/connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <exception>

#include "daemon/control/body.hpp"

namespace herd::control {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t kReadSize = 16U << 10;
constexpr std::size_t kMaxLingerBytes = 8U << 20;  // more than this nobody sends who is listening
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

std::string_view as_text(asio::const_buffer buffer) {
  return {static_cast<const char*>(buffer.data()), buffer.size()};
}

ApiError too_many_connections() {
  return {503,
          protocol::code::kTooManyConnections,
          "too many connections to the control socket",
          "close some, or use one connection for several requests",
          "",
          1};
}

ApiError stopping_error() {
  return {503, protocol::code::kStopping, "the daemon is stopping", "try again once it runs", "", 1};
}

ApiError parse_error(error_code error, const Limits& limits) {
  if (error == http::error::body_limit)
    return {413, protocol::code::kTooLarge, "the body has more than " + format(Bytes{limits.body_bytes})};
  if (error == http::error::header_limit)
    return {431, protocol::code::kHeaderTooLarge,
            "the header has more than " + format(Bytes{limits.header_bytes})};
  return bad_request("this is not HTTP/1.1: " + error.message());
}

}  // namespace

/// One acquire, shared with the callback that the service keeps.
struct Connection::Waiting {
  std::uint64_t request = 0;
  std::uint64_t last_event = 0;  // when the answer came
  std::string pool, session;
  std::optional<ApiResult<AcquireResult>> answer;
  bool abandoned = false;
};

namespace {

/// A `connection` lease ends with the stream's frame, however that ends.
class LeaseGuard {
 public:
  LeaseGuard(std::shared_ptr<Core> core, std::uint64_t request) : core_(std::move(core)), request_(request) {}
  LeaseGuard(const LeaseGuard&) = delete;
  LeaseGuard& operator=(const LeaseGuard&) = delete;
  ~LeaseGuard() {
    if (core_->service() != nullptr) core_->service()->lease_closed(request_);
  }

 private:
  std::shared_ptr<Core> core_;
  std::uint64_t request_;
};

}  // namespace

Connection::Connection(std::shared_ptr<Core> core, Socket socket, Peer peer, bool refused)
    : core_(std::move(core)),
      socket_(std::move(socket)),
      peer_(peer),
      refused_(refused),
      timer_(socket_.get_executor()),
      waker_(socket_.get_executor(), Clock::time_point::max()) {}

void Connection::start() {
  asio::co_spawn(socket_.get_executor(), serve(shared_from_this()),
                 [self = shared_from_this()](std::exception_ptr error) {
                   self->close();
                   self->core_->remove(*self);
                   if (!error) return;
                   try {
                     std::rethrow_exception(error);
                   } catch (const std::exception& exception) {
                     self->core_->report(std::string("a connection failed: ") + exception.what());
                   }
                 });
}

void Connection::stop() {
  stopping_ = true;
  wake();
  if (reading_) {
    socket_.cancel();
  } else {
    set_deadline(core_->limits().stop);
  }
}

void Connection::abort() {
  stopping_ = hung_up_ = true;
  wake();
  close();
}

void Connection::close() {
  error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
  clear_deadline();
}

Connection::Awaitable<void> Connection::serve(std::shared_ptr<Connection> self) {
  if (self->refused_) {
    co_await self->refuse(too_many_connections());
  } else {
    co_await self->serve_requests();
  }
}

Connection::Awaitable<void> Connection::serve_requests() {
  for (;;) {
    const Read read = co_await read_request();
    if (read == Read::bad) co_await refuse(bad_);
    if (read != Read::request || core_->service() == nullptr) co_return;
    const bool again = co_await carry_out(decide());
    if (!again || stopping_) co_return;
  }
}

/// Says no and closes. A client that is still sending must get to read it: closing with its bytes unread
/// would reset the connection under the answer.
Connection::Awaitable<void> Connection::refuse(ApiError error) {
  manners_.keep_alive = false;
  output_.clear();
  append_answer(output_, to_answer(error), manners_);
  const bool written = co_await write_out(core_->limits().write);
  if (written) co_await linger();
}

Connection::Awaitable<void> Connection::linger() {
  error_code error;
  socket_.shutdown(Socket::shutdown_send, error);
  set_deadline(core_->limits().linger);
  reading_ = true;
  input_.clear();
  std::size_t total = 0;
  while (!error && !stopping_ && !expired_ && total < kMaxLingerBytes) {
    const auto [failed, count] = co_await socket_.async_read_some(input_.prepare(kReadSize), kAwait);
    error = failed;
    total += count;
  }
  reading_ = false;
}

// ---- reading
// ------------------------------------------------------------------------------------------------

Connection::Awaitable<Connection::Read> Connection::read_request() {
  parser_.emplace();
  parser_->eager(true);
  parser_->header_limit(static_cast<std::uint32_t>(core_->limits().header_bytes));
  parser_->body_limit(core_->limits().body_bytes);
  phase_ = Phase::idle;
  set_deadline(core_->limits().idle);
  for (;;) {
    if (input_.size() > 0) {
      const Read parsed = parse_some();
      if (parsed == Read::bad || parser_->is_done()) co_return parsed;
      if (phase_ == Phase::idle) {
        phase_ = Phase::header;
        set_deadline(core_->limits().header);
      }
      if (phase_ == Phase::header && parser_->is_header_done()) {
        phase_ = Phase::body;
        set_deadline(core_->limits().body);
        if (http::token_list{parser_->get()[http::field::expect]}.exists("100-continue")) {
          output_ = kContinue;
          const bool written = co_await write_out(core_->limits().body);
          if (!written) co_return Read::closed;
        }
      }
    }
    const bool more = co_await more_bytes();
    if (!more) co_return after_failed_read();
  }
}

/// `request` where the bytes so far are good, be they all or not.
Connection::Read Connection::parse_some() {
  if (phase_ != Phase::body && !parser_->got_some() && is_surely_not_http(as_text(input_.data()))) {
    bad_ = bad_request("this is not HTTP/1.1");
    return Read::bad;
  }
  error_code error;
  while (input_.size() > 0 && !parser_->is_done()) {
    const std::size_t used = parser_->put(input_.data(), error);
    input_.consume(used);
    if (error == http::error::need_more) return Read::request;
    if (!error) continue;
    bad_ = parse_error(error, core_->limits());
    return Read::bad;
  }
  return Read::request;
}

Connection::Awaitable<bool> Connection::more_bytes() {
  if (stopping_) co_return false;
  reading_ = true;
  const auto [error, count] = co_await socket_.async_read_some(input_.prepare(kReadSize), kAwait);
  reading_ = false;
  input_.commit(count);
  co_return !error;
}

/// Slow in the middle of a request is worth a word; idle, gone or stopped is not.
Connection::Read Connection::after_failed_read() {
  if (!expired_ || stopping_ || phase_ == Phase::idle) return Read::closed;
  bad_ = {408, protocol::code::kTooSlow,
          phase_ == Phase::header ? "the header took longer than " + format(core_->limits().header)
                                  : "the body took longer than " + format(core_->limits().body)};
  return Read::bad;
}

// ---- answering
// ----------------------------------------------------------------------------------------------

Outcome Connection::decide() {
  clear_deadline();
  const auto& request = parser_->get();
  manners_ = {parser_->keep_alive() && !stopping_, request.version() >= 11};
  const auto method = request.method_string();
  const auto target = request.target();
  try {
    return dispatch(*core_->service(), peer_, {method.data(), method.size()}, {target.data(), target.size()},
                    request.body());
  } catch (const std::exception& exception) {
    core_->report(std::string(method) + " " + std::string(target) + ": " + exception.what());
    return to_answer({500, protocol::code::kInternal,
                      std::string("a fault of the daemon's: ") + exception.what(),
                      "the daemon's log has it; please report it"});
  }
}

Connection::Awaitable<bool> Connection::carry_out(Outcome outcome) {
  if (auto* answer = std::get_if<Answer>(&outcome)) co_return co_await write_answer(std::move(*answer));
  if (auto* call = std::get_if<AcquireCall>(&outcome)) co_return co_await wait_for_acquire(std::move(*call));
  co_return co_await stream(200, std::move(std::get<std::unique_ptr<LineSource>>(outcome)));
}

Connection::Awaitable<bool> Connection::write_answer(Answer answer) {
  output_.clear();
  append_answer(output_, answer, manners_);
  const bool written = co_await write_out(core_->limits().write);
  co_return written&& manners_.keep_alive;
}

Connection::Awaitable<bool> Connection::write_out(std::chrono::milliseconds deadline) {
  set_deadline(stopping_ ? core_->limits().stop : deadline);
  const auto [error, count] = co_await asio::async_write(socket_, asio::buffer(output_), kAwait);
  clear_deadline();
  co_return !error;
}

std::shared_ptr<Connection::Waiting> Connection::ask_for_session(const AcquireCall& call) {
  auto waiting = std::make_shared<Waiting>();
  waiting->pool = call.pool;
  waiting->session = call.session;
  waiting->request = core_->service()->acquire(
      call, [waiting, core = core_, weak = weak_from_this()](ApiResult<AcquireResult> answer) {
        if (waiting->answer || core->service() == nullptr) return;
        // Granted after all to a client that has gone: nobody else would end its lease.
        if (waiting->abandoned && answer && answer->lease_is_connection)
          core->service()->lease_closed(waiting->request);
        waiting->last_event = core->service()->events().last();
        waiting->answer = std::move(answer);
        if (const auto self = weak.lock()) self->wake();
      });
  return waiting;
}

Connection::Awaitable<bool> Connection::wait_for_acquire(AcquireCall call) {
  const auto waiting = ask_for_session(call);
  if (!waiting->answer) {
    // No deadline of ours: the pool ends each wait by the call's timeout or its own sessions.acquire_timeout.
    watch_hangup();
    while (!waiting->answer && !hung_up_ && !stopping_) co_await sleep_until_woken();
    if (!waiting->answer) co_return co_await give_up_acquire(waiting);
  }
  if (core_->service() == nullptr) co_return false;
  if (!*waiting->answer) co_return co_await write_answer(to_answer(waiting->answer->error()));
  AcquireResult& result = **waiting->answer;
  const unsigned status = result.created ? 201 : 200;
  if (!result.lease_is_connection) {
    Answer answer{status, protocol::dump_line(result.body)};
    co_return co_await write_answer(std::move(answer));
  }
  const LeaseGuard guard(core_, waiting->request);
  LeaseQuery query{std::move(result.body), waiting->pool, waiting->session, waiting->last_event};
  auto source = lease_lines(core_->service()->events(), std::move(query));
  co_return co_await stream(status, std::move(source));
}

Connection::Awaitable<bool> Connection::give_up_acquire(std::shared_ptr<Waiting> waiting) {
  waiting->abandoned = true;
  if (core_->service() == nullptr) co_return false;
  core_->service()->cancel_acquire(waiting->request);
  if (hung_up_) co_return false;
  manners_.keep_alive = false;
  co_return co_await write_answer(to_answer(stopping_error()));
}

Connection::Awaitable<bool> Connection::stream(unsigned status, std::unique_ptr<LineSource> source) {
  watch_hangup();
  source->follow([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->wake();
  });
  output_.clear();
  append_stream_head(output_, status, manners_);
  for (;;) {
    lines_.clear();
    if (core_->service() != nullptr) source->fill(lines_);
    append_chunk(output_, lines_, manners_);
    const bool over = hung_up_ || stopping_ || source->ended();
    if (over) append_last_chunk(output_, manners_);
    if (!output_.empty()) {
      const bool written = co_await write_out(core_->limits().stream_write);
      if (!written) co_return false;
    } else if (!over) {
      co_await sleep_until_woken();
    }
    output_.clear();
    if (over) co_return false;
  }
}

// ---- deadlines and wakes
// ------------------------------------------------------------------------------------

Connection::Awaitable<void> Connection::sleep_until_woken() {
  co_await waker_.async_wait(kAwait);
}

/// The client's end is closed, as EPOLLHUP tells even while bytes of its are still unread. One that only has
/// shut down its sending side still wants its answer.
void Connection::watch_hangup() {
  if (watching_) return;
  watching_ = true;
  socket_.async_wait(Socket::wait_error, [self = shared_from_this()](error_code error) {
    self->watching_ = false;
    if (error) return;
    self->hung_up_ = true;
    self->wake();
  });
}

void Connection::set_deadline(std::chrono::milliseconds after) {
  expired_ = false;
  deadline_ = Clock::now() + after;
  if (!timer_is_armed_ || timer_.expiry() > deadline_) arm_timer();
}

void Connection::arm_timer() {
  timer_is_armed_ = true;
  timer_.expires_at(deadline_);
  timer_.async_wait([self = shared_from_this()](error_code error) { self->on_timer(error); });
}

void Connection::on_timer(error_code error) {
  if (error) return;  // armed anew for an earlier time, or closed
  timer_is_armed_ = false;
  if (deadline_ == Clock::time_point::max()) return;
  if (Clock::now() < deadline_) return arm_timer();
  expired_ = true;
  error_code ignored;
  socket_.cancel(ignored);
  wake();
}

}  // namespace herd::control
