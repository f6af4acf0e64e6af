// A worker's coroutines: what it waits for while it lives. Each holds the worker alive and ends with it.
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <chrono>

#include "common/kernel/process.hpp"
#include "common/kernel/seqpacket.hpp"
#include "common/log.hpp"
#include "daemon/worker/probe.hpp"
#include "daemon/worker/worker.hpp"

namespace herd::worker {
namespace {

namespace asio = boost::asio;
using asio::as_tuple;
using asio::use_awaitable;
using asio::posix::descriptor_base;
using namespace std::chrono_literals;

constexpr auto kFirstProbePause = 2ms;
constexpr auto kLongestProbePause = 100ms;
constexpr auto kMemorySampleEvery = 5s;
constexpr auto kCgroupEmptyWait = 200ms;  // then it is killed and looked at again
constexpr int kOomLooks = 50;

}  // namespace

asio::awaitable<void> Worker::read_line(Self self) {
  while (self->line_.is_open()) {
    const auto [error] = co_await self->line_.async_wait(descriptor_base::wait_read, as_tuple(use_awaitable));
    if (error || !self->line_.is_open()) co_return;
    if (!self->read_messages()) co_return;
  }
}

/// False at the end of the line. A turn is bounded: other workers' lines wait too.
bool Worker::read_messages() {
  constexpr int kMostInATurn = 32;
  for (int i = 0; i < kMostInATurn && line_.is_open(); ++i) {
    auto message = kernel::receive_message(line_.native_handle(), false);
    if (!message && message.error().errno_value == EMSGSIZE) {
      on_lost_fd();
      continue;
    }
    if (!message) return message.error().errno_value == EAGAIN;
    if (message->text.empty()) return false;
    on_message(std::move(*message));
  }
  return line_.is_open();
}

asio::awaitable<void> Worker::watch_ready_timeout(Self self) {
  self->timers_.ready.expires_after(self->pool_->ready.timeout);
  const auto [error] = co_await self->timers_.ready.async_wait(as_tuple(use_awaitable));
  if (error || self->is_verified_ || self->is_gone_) co_return;
  self->is_out_of_time_ = true;
  if (!self->is_ready_) {
    Reason reason{ReasonKind::ready_timeout};
    if (!self->probe_failure_.empty()) reason.detail = "the last check: " + self->probe_failure_;
    self->begin_stop(std::move(reason), self->pool_->stop.grace);
  } else {
    self->stop_as_not_verified();
  }
}

asio::awaitable<void> Worker::probe_until_ready(Self self) {
  const config::ReadySpec& ready = self->pool_->ready;
  auto pause = std::chrono::milliseconds(kFirstProbePause);
  // Ends with the ready timeout, which stops the worker.
  while (!self->stop_reason_ && !self->is_gone_) {
    const std::string failure = co_await probe(self, ready.http_path, ready.timeout);
    if (self->stop_reason_ || self->is_gone_) co_return;
    if (failure.empty() && self->owns_port()) co_return self->on_ready();
    self->probe_failure_ = failure;
    self->timers_.health.expires_after(pause);
    co_await self->timers_.health.async_wait(as_tuple(use_awaitable));
    pause = std::min<std::chrono::milliseconds>(pause * 2, kLongestProbePause);
  }
}

/// By HTTP where there is a path, else by a connection. Where there is a relay it is passed by: that accepts
/// whether the worker listens or not.
asio::awaitable<std::string> Worker::probe(Self self, std::string http_path, Duration timeout) {
  ProbeTarget target{self->record_.address, {}};
  if (self->has_relay()) {
    auto socket = co_await make_socket(self, timeout);
    if (!socket) co_return socket.error().message;
    target = {"tcp:127.0.0.1:" + std::to_string(self->plan_.relay_port), std::move(*socket)};
  }
  if (http_path.empty()) co_return co_await probe_connect(std::move(target), timeout);
  co_return co_await probe_http(std::move(target), std::move(http_path), timeout);
}

/// A TCP socket, not connected, that reaches the worker's 127.0.0.1.
asio::awaitable<Result<UniqueFd>> Worker::make_socket(Self self, Duration timeout) {
  const std::uint64_t request = ++self->last_socket_order_;
  const auto order = std::make_shared<SocketOrder>(self->resources_.io);
  const Status ordered =
      kernel::send_message(self->line_.native_handle(), launch::to_json(launch::MakeSocket{request}));
  if (!ordered) co_return tl::make_unexpected(ordered.error());
  self->socket_orders_.emplace(request, order);
  order->limit.expires_after(timeout);
  co_await order->limit.async_wait(as_tuple(use_awaitable));
  self->socket_orders_.erase(request);
  co_return std::move(order->made);
}

/// Between herd's choice of a port and the worker's bind another program may have taken it: an answer proves
/// nothing about who gave it.
bool Worker::owns_port() {
  if (!port_) return true;
  const auto owns = is_listener_of(cgroup_, record_.pid.value_or(-1), *port_);
  if (!owns) return false;
  if (!*owns && !std::exchange(told_port_taken_, true))
    log_warning("port " + std::to_string(*port_) + " is answered by a process that is not this worker's",
                {pool_->name, id_, {}});
  return *owns;
}

asio::awaitable<void> Worker::watch_health(Self self) {
  const config::HealthSpec& health = *self->pool_->health;
  int failures = 0;
  while (!self->stop_reason_ && !self->is_gone_) {
    self->timers_.health.expires_after(health.interval);
    const auto [error] = co_await self->timers_.health.async_wait(as_tuple(use_awaitable));
    if (error) co_return;
    const auto asked = std::chrono::steady_clock::now();
    const std::string failure = co_await probe(self, health.http_path, health.timeout);
    if (self->stop_reason_ || self->is_gone_) co_return;
    // A worker that herd keeps from answering is not judged by that.
    if (!failure.empty() && self->denials_ && self->denials_->was_held_back_since(asked)) continue;
    failures = failure.empty() ? 0 : failures + 1;
    if (!failure.empty())
      log_warning("health check " + std::to_string(failures) + " of " + std::to_string(health.failures) +
                      " failed: " + failure,
                  {self->pool_->name, self->id_, {}});
    if (failures < health.failures) continue;
    self->callbacks_.unhealthy();
    co_return;
  }
}

asio::awaitable<void> Worker::watch_memory(Self self) {
  while (!self->stop_reason_ && !self->is_gone_) {
    self->timers_.memory.expires_after(kMemorySampleEvery);
    const auto [error] = co_await self->timers_.memory.async_wait(as_tuple(use_awaitable));
    if (error || self->is_gone_) co_return;
    if (const auto used = self->cgroup_.usage().memory_bytes) self->callbacks_.memory(Bytes{*used});
  }
}

/// On v2 the kernel ends the whole cgroup at once (memory.oom.group). On v1 it ends one process, maybe a
/// child of the worker's, and the notice comes before the kill: so look until the count moves, then end the
/// rest.
asio::awaitable<void> Worker::watch_oom(Self self) {
  auto watch = self->cgroup_.watch_oom();
  if (!watch)
    co_return log_warning("out-of-memory can't be watched: " + watch.error().message,
                          {self->pool_->name, self->id_, {}});
  if (!watch->fd) co_return;
  const bool is_v2 = watch->is_v2;
  self->oom_events_.emplace(self->resources_.io, watch->fd.release());
  while (!self->is_gone_) {
    const auto [error] = co_await self->oom_events_->async_wait(
        is_v2 ? descriptor_base::wait_error : descriptor_base::wait_read, as_tuple(use_awaitable));
    if (error || self->is_gone_) co_return;
    char buffer[512];
    if (is_v2) lseek(self->oom_events_->native_handle(), 0, SEEK_SET);
    (void)!read(self->oom_events_->native_handle(), buffer, sizeof buffer);
    for (int look = 0; look < kOomLooks && !self->is_gone_; ++look) {
      const auto kills = self->cgroup_.oom_kills();
      if (kills && *kills > 0) {
        self->begin_stop(Reason{ReasonKind::oom_killed}, Duration{0});
        co_return;
      }
      if (is_v2) break;
      self->timers_.oom.expires_after(10ms);
      co_await self->timers_.oom.async_wait(as_tuple(use_awaitable));
    }
  }
}

asio::awaitable<void> Worker::force_stop(Self self, Duration after) {
  self->timers_.stop.expires_after(after);
  const auto [error] = co_await self->timers_.stop.async_wait(as_tuple(use_awaitable));
  if (error || self->is_gone_) co_return;
  log_warning("did not end within its grace: its cgroup is killed", {self->pool_->name, self->id_, {}});
  if (self->denials_) self->denials_->let_go();
  if (auto killed = self->cgroup_.kill(); !killed)
    log_error(killed.error().message, {self->pool_->name, self->id_, {}});
}

asio::awaitable<void> Worker::wait_for_end(Self self) {
  co_await self->init_pidfd_.async_wait(descriptor_base::wait_read, as_tuple(use_awaitable));
  siginfo_t info{};
  waitid(P_PIDFD, static_cast<id_t>(self->init_pidfd_.native_handle()), &info, WEXITED | WNOHANG);
  constexpr int kTurnsForLastWords = 16;  // more than a full line holds
  for (int turn = 0; turn < kTurnsForLastWords && self->read_messages(); ++turn) {
  }
  self->has_ended_ = true;
  if (self->denials_) self->denials_->let_go();
  co_await empty_cgroup(self);
  co_await settle_denials(self);
  const Reason reason = self->final_reason();
  for (auto removed = self->cgroup_.remove(); !removed; removed = self->cgroup_.remove()) {
    // Only processes that the kernel has not let go of yet (EBUSY): without them gone the worker is not gone.
    log_debug(removed.error().message, {self->pool_->name, self->id_, {}});
    (void)self->cgroup_.kill();  // again: without a free fd it could not be read whether any were left
    self->timers_.end.expires_after(kFirstProbePause);
    co_await self->timers_.end.async_wait(as_tuple(use_awaitable));
  }
  self->cgroup_ = {};
  self->release();
  const auto gone = std::move(self->callbacks_.gone);
  self->callbacks_ = {};
  gone(reason);
}

asio::awaitable<void> Worker::empty_cgroup(Self self) {
  using namespace asio::experimental::awaitable_operators;
  auto events = self->cgroup_.open_events();
  std::optional<asio::posix::stream_descriptor> changes;
  if (events && *events) changes.emplace(self->resources_.io, events->release());
  while (true) {
    const auto populated = self->cgroup_.is_populated();
    if (!populated || !*populated) co_return;
    if (auto killed = self->cgroup_.kill(); !killed)
      log_error(killed.error().message, {self->pool_->name, self->id_, {}});
    self->timers_.end.expires_after(kCgroupEmptyWait);
    if (changes) {
      char buffer[256];
      lseek(changes->native_handle(), 0, SEEK_SET);
      (void)!read(changes->native_handle(), buffer, sizeof buffer);  // a poll wakes for changes after this
      co_await (changes->async_wait(descriptor_base::wait_error, as_tuple(use_awaitable)) ||
                self->timers_.end.async_wait(as_tuple(use_awaitable)));
    } else {
      co_await self->timers_.end.async_wait(as_tuple(use_awaitable));
    }
  }
}

}  // namespace herd::worker
