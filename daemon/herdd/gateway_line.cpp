#include "daemon/herdd/gateway_line.hpp"

#include <fcntl.h>

#include <boost/asio.hpp>

#include "common/kernel/memfd.hpp"
#include "common/log.hpp"
#include "protocol/control/routes.hpp"

namespace herd::daemon {
namespace {

namespace asio = boost::asio;
using asio::as_tuple;
using asio::use_awaitable;
using asio::posix::descriptor_base;

constexpr std::size_t kMostWaiting = 100'000;   // acquires of one gateway: each is a request of a client's
constexpr std::size_t kMostOutgoing = 200'000;  // messages that it has not taken
constexpr std::size_t kMaxReport = 4 << 20;
constexpr std::string_view kUnix = "unix:";

control::ApiError no_route(const std::string& pool) {
  return {404, "unknown_pool", "no route leads to pool '" + pool + "'", "", pool, {}};
}

control::ApiError no_address(const std::string& worker) {
  return {503, "worker_gone", "worker '" + worker + "' has no address that a request could go to", "", "", 1};
}

}  // namespace

GatewayLine::GatewayLine(asio::io_context& io, UniqueFd end, std::string worker, const GatewayDesk& desk)
    : desk_(desk),
      worker_(std::move(worker)),
      socket_(io, end.release()),
      written_(io, asio::steady_timer::time_point::max()) {}

void GatewayLine::start() {
  asio::co_spawn(socket_.get_executor(), read(shared_from_this()), log_failure("read a gateway's line"));
  asio::co_spawn(socket_.get_executor(), write(shared_from_this()), log_failure("write a gateway's line"));
}

void GatewayLine::close() {
  if (!socket_.is_open()) return;
  socket_.close();
  written_.cancel();
  outgoing_.clear();
  granted_.clear();
  for (const auto& [request, number] : std::exchange(waiting_, {})) desk_.service.cancel_acquire(number);
  for (const auto& [key, hold] : std::exchange(holds_, {})) desk_.let_go(hold, Duration{0});
}

void GatewayLine::fail(const std::string& why) {
  log_error("gateway: " + why, {config::kGatewayPool, worker_, {}});
  close();
  if (desk_.give_up) desk_.give_up(worker_);
}

// ---- what it says

asio::awaitable<void> GatewayLine::read(Self self) {
  while (self->socket_.is_open()) {
    const auto [error] =
        co_await self->socket_.async_wait(descriptor_base::wait_read, as_tuple(use_awaitable));
    if (error || !self->read_some()) break;
  }
  self->close();
}

/// False at the line's end. A turn is bounded: others wait too.
bool GatewayLine::read_some() {
  constexpr int kMostInATurn = 64;
  for (int i = 0; i < kMostInATurn && socket_.is_open(); ++i) {
    auto message = kernel::receive_message(socket_.native_handle(), false);
    if (!message) return message.error().errno_value == EAGAIN;
    const bool has_report = message->fds.size() == 1 && kernel::is_sealed(message->fds.front().get());
    if (!message->fds.empty() && !has_report) {
      closer_.close(std::move(message->fds));
      fail("sends a file that is no report");
      return false;
    }
    if (message->text.empty()) return false;
    const auto parsed = gateway::parse_from_gateway(message->text);
    if (!parsed) {
      fail(parsed.error().message);
      return false;
    }
    if (std::holds_alternative<gateway::Report>(*parsed)) {
      on_report(*message);
      continue;
    }
    std::visit(
        [this](const auto& said) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(said)>, gateway::Report>) on(said);
        },
        *parsed);
  }
  return socket_.is_open();
}

void GatewayLine::on(const gateway::Acquire& message) {
  const config::GatewaySpec* route = desk_.route_to(message.pool);
  if (route == nullptr) return refuse(message.request, no_route(message.pool));
  if (!protocol::is_session_name(message.session))
    return refuse(message.request,
                  {400, "bad_session_name", "this can't be a session's name", "", message.pool, {}});
  if (!message.creates || !route->create) {
    const auto found = desk_.service.session(message.pool, message.session);
    return found ? grant(message, *found, false) : refuse(message.request, found.error());
  }
  if (waiting_.size() >= kMostWaiting || waiting_.contains(message.request))
    return fail("asks for more sessions than a gateway can have clients");
  // Requests hold it, and then it rests: never until a connection's end, whatever the pool's lease.
  const control::AcquireCall call{message.pool, message.session, std::nullopt, config::Lease::idle};
  waiting_.emplace(message.request, 0);
  const std::uint64_t number = desk_.service.acquire(call, [self = shared_from_this(), message](auto result) {
    if (self->waiting_.erase(message.request) == 0) return;
    result ? self->grant(message, result->body, result->created)
           : self->refuse(message.request, result.error());
  });
  if (const auto waiting = waiting_.find(message.request); waiting != waiting_.end())
    waiting->second = number;
}

void GatewayLine::on(const gateway::Cancel& message) {
  const auto waiting = waiting_.extract(message.request);
  if (!waiting.empty()) desk_.service.cancel_acquire(waiting.mapped());
}

void GatewayLine::on(const gateway::Busy& message) {
  const Key key{message.pool, message.session, message.worker};
  if (!granted_.contains(key) || holds_.contains(key)) return;
  holds_[key] = desk_.hold(message.pool, message.session, message.worker);
}

void GatewayLine::on(const gateway::Idle& message) {
  const auto hold = holds_.extract({message.pool, message.session, message.worker});
  if (!hold.empty()) desk_.let_go(hold.mapped(), std::max(message.ago, Duration{0}));
}

void GatewayLine::on_report(const kernel::Message& message) {
  if (message.fds.size() != 1) return fail("reports without a file");
  const auto text = kernel::read_memfd(message.fds.front().get(), kMaxReport);
  auto statistics = text ? gateway::parse_statistics(*text) : tl::make_unexpected(text.error());
  if (!statistics) return fail(statistics.error().message);
  statistics_ = std::move(*statistics);
}

// ---- what it is told

void GatewayLine::grant(const gateway::Acquire& message, const control::Json& session, bool created) {
  const auto worker = session.at("worker").get<std::string>();
  if (session.at("address").is_null()) return refuse(message.request, no_address(worker));
  const auto address = session.at("address").get<std::string>();
  File socket;
  if (address.starts_with(kUnix)) {
    UniqueFd file(open(address.c_str() + kUnix.size(), O_PATH | O_CLOEXEC | O_NOFOLLOW));
    if (!file) return refuse(message.request, no_address(worker));
    socket = std::make_shared<const UniqueFd>(std::move(file));
  }
  granted_.emplace(message.pool, message.session, worker);
  send(gateway::Granted{message.request, worker, address, created}, std::move(socket));
}

void GatewayLine::refuse(std::uint64_t request, const control::ApiError& error) {
  send(gateway::Refused{request, error.status, error.code, error.message, error.hint,
                        error.retry_after_seconds});
}

void GatewayLine::end_session(const gateway::SessionEnded& ended) {
  const Key key{ended.pool, ended.session, ended.worker};
  if (granted_.erase(key) == 0) return;
  if (const auto hold = holds_.extract(key); !hold.empty()) desk_.let_go(hold.mapped(), Duration{0});
  send(ended);
}

void GatewayLine::send(const gateway::ToGateway& message, File file) {
  if (!socket_.is_open()) return;
  if (outgoing_.size() >= kMostOutgoing) return fail("takes nothing of what it is told");
  outgoing_.push_back({gateway::to_json(message), std::move(file)});
  written_.cancel();
}

asio::awaitable<void> GatewayLine::write(Self self) {
  while (self->socket_.is_open()) {
    if (self->outgoing_.empty()) {
      co_await self->written_.async_wait(as_tuple(use_awaitable));
      continue;
    }
    const Outgoing& next = self->outgoing_.front();
    const int file = next.file ? next.file->get() : -1;
    const auto sent = kernel::send_message(self->socket_.native_handle(), next.text,
                                           next.file ? std::span(&file, 1) : std::span<const int>());
    if (sent) {
      self->outgoing_.pop_front();
    } else if (sent.error().errno_value == EAGAIN) {
      const auto [error] =
          co_await self->socket_.async_wait(descriptor_base::wait_write, as_tuple(use_awaitable));
      if (error) break;
    } else {
      break;  // the gateway has ended: its reader sees that too
    }
  }
}

}  // namespace herd::daemon
