#include "daemon/gateway/channel.hpp"

#include <sys/socket.h>

namespace herd::gateway {
namespace {

constexpr std::uint32_t kReading = EPOLLIN | EPOLLRDHUP | EPOLLET;

}  // namespace

Status Channel::open(Loop& loop, UniqueFd socket, Watcher& watcher) {
  // Not EPOLLOUT: a unix socket would tell it of everything that its other end reads.
  HERD_CHECK(loop.watch(socket.get(), kReading, watcher));
  loop_ = &loop;
  watcher_ = &watcher;
  socket_ = std::move(socket);
  is_readable_ = has_hung_up_ = watches_writing_ = false;
  is_writable_ = true;
  return {};
}

void Channel::close() {
  socket_.reset();
  is_readable_ = is_writable_ = false;
}

void Channel::reset() {
  const linger now{1, 0};
  if (socket_) setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

void Channel::note(std::uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) is_readable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) has_hung_up_ = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) is_writable_ = true;
}

Channel::Received Channel::receive(std::span<char> room) {
  ssize_t count;
  do {
    count = recv(socket_.get(), room.data(), room.size(), 0);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    is_readable_ = false;
    return {Got::nothing};
  }
  if (count < 0) return {Got::broken};
  if (count == 0) return {Got::end};
  // Less than there was room for is all that there is, and an event comes with more. Only the end, once told,
  // is not told again.
  if (static_cast<std::size_t>(count) < room.size() && !has_hung_up_) is_readable_ = false;
  return {Got::bytes, static_cast<std::size_t>(count)};
}

std::optional<std::size_t> Channel::send(std::span<iovec> parts) {
  std::size_t wanted = 0;
  for (const iovec& part : parts) wanted += part.iov_len;
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  ssize_t count;
  do {
    count = sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return std::nullopt;
  const auto sent = static_cast<std::size_t>(count < 0 ? 0 : count);
  if (sent < wanted) wait_until_writable();
  return sent;
}

void Channel::wait_until_writable() {
  is_writable_ = false;
  if (watches_writing_) return;
  watches_writing_ = true;
  loop_->change(socket_.get(), kReading | EPOLLOUT, *watcher_);
}

void Channel::end_sending() {
  if (socket_) shutdown(socket_.get(), SHUT_WR);
}

}  // namespace herd::gateway
