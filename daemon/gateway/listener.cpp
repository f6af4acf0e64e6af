#include "daemon/gateway/listener.hpp"

#include <sys/socket.h>

#include "daemon/gateway/server.hpp"

namespace herd::gateway {
namespace {

// So that one thread does not take all that wait while the others are on their way.
constexpr int kAcceptsOfATurn = 8;

}  // namespace

Status Listener::open() {
  return server_.loop().watch(socket_.get(), EPOLLIN | EPOLLEXCLUSIVE, *this);
}

void Listener::close() {
  // Other copies of it are open, so closing this one would not end the watch.
  if (socket_ && !is_paused_) server_.loop().unwatch(socket_.get());
  socket_.reset();
}

void Listener::tick() {
  if (is_paused_ && socket_) is_paused_ = !open().has_value();
}

void Listener::on_events(std::uint32_t) {
  for (int i = 0; i < kAcceptsOfATurn && socket_; ++i) {
    UniqueFd socket(accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      server_.accept(std::move(socket));
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // The connection waits on, and would wake this thread at once again.
      server_.loop().unwatch(socket_.get());
      is_paused_ = true;
    }
    if (errno != ECONNABORTED && errno != EINTR) return;
  }
}

}  // namespace herd::gateway
