#include "daemon/gateway/worker_connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "common/kernel/seqpacket.hpp"

namespace herd::gateway {

WorkerConnection::WorkerConnection(Loop& loop, std::shared_ptr<const WorkerPlace> place, WorkerUser& user)
    : loop_(loop), place_(std::move(place)), user_(&user) {}

WorkerConnection::State WorkerConnection::connect() {
  if (is_connected_) return State::open;
  if (!channel_.is_open()) return begin();
  if (!channel_.is_writable()) return State::connecting;
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(channel_.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  is_connected_ = error == 0;
  return is_connected_ ? State::open : State::failed;
}

WorkerConnection::State WorkerConnection::begin() {
  UniqueFd socket(::socket(place_->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return State::failed;
  if (place_->is_tcp()) {
    const int on = 1;
    setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  } else {
    kernel::refuse_fds(socket.get());
  }
  is_connected_ =
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&place_->address), place_->size) == 0;
  // A unix socket whose queue is full: nothing tells when it no longer is, so the next tick tries again.
  if (!is_connected_ && errno == EAGAIN) return State::connecting;
  if (!is_connected_ && errno != EINPROGRESS) return State::failed;
  if (!channel_.open(loop_, std::move(socket), *this)) return State::failed;
  if (is_connected_) return State::open;
  channel_.wait_until_writable();
  return State::connecting;
}

bool WorkerConnection::is_quiet() const {
  char byte;
  return recv(channel_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

void WorkerConnection::on_events(std::uint32_t events) {
  if (!channel_.is_open()) return;
  channel_.note(events);
  user_->on_worker_events();
}

}  // namespace herd::gateway
