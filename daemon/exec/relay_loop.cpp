#include "daemon/exec/relay_loop.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace herd::exec {
namespace {

constexpr std::size_t kEventsAtOnce = 64;
constexpr int kAcceptsAtOnce = 16;
constexpr auto kRest = std::chrono::milliseconds(100);  // after an accept for which there was no fd or memory
/// For the last words of a worker that is gone; a client that does not read holds up its end for so long.
constexpr auto kLastWords = std::chrono::milliseconds(200);
constexpr std::uint32_t kEdges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

void reset_on_close(int socket) {
  const linger at_once{1, 0};
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace

Status RelayLoop::run() {
  epoll_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return fail_errno("epoll_create1");
  HERD_CHECK(watch(listener_, EPOLLIN, &listener_));
  HERD_CHECK(watch(leash_, 0, &leash_));  // its end is always reported
  while (!ends_at_ || (!connections_.empty() && Clock::now() < *ends_at_)) HERD_CHECK(wait_once());
  return {};
}

Status RelayLoop::watch(int fd, std::uint32_t events, void* subject) const {
  epoll_event event{};
  event.events = events;
  event.data.ptr = subject;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return fail_errno("epoll_ctl");
  return {};
}

Status RelayLoop::wait_once() {
  std::array<epoll_event, kEventsAtOnce> events;
  const int count = epoll_wait(epoll_.get(), events.data(), kEventsAtOnce, timeout_ms());
  if (count < 0 && errno != EINTR) return fail_errno("epoll_wait");
  if (rests_until_ && Clock::now() >= *rests_until_) rests_until_.reset();
  for (int i = 0; i < count; ++i) note(events[static_cast<std::size_t>(i)]);
  pump_queued();
  update_accepting();
  return {};
}

int RelayLoop::timeout_ms() const {
  if (!queued_.empty()) return 0;
  const auto& until = ends_at_ ? ends_at_ : rests_until_;
  if (!until) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - Clock::now()).count();
  return static_cast<int>(std::max<std::int64_t>(0, left));
}

void RelayLoop::note(const epoll_event& event) {
  if (event.data.ptr == &listener_) return accept_some();
  if (event.data.ptr == &leash_) {
    ends_at_ = Clock::now() + kLastWords;
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, leash_, nullptr);  // it would be reported again and again
    for (Connection& connection : connections_) queue(connection);
    return;
  }
  End& end = *static_cast<End*>(event.data.ptr);
  // An error is found by the next call on the socket.
  if ((event.events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) end.side.is_readable = true;
  if ((event.events & (EPOLLOUT | EPOLLERR)) != 0) end.side.is_writable = true;
  if ((event.events & EPOLLHUP) != 0) end.side.is_hung_up = true;
  queue(*end.connection);
}

void RelayLoop::queue(Connection& connection) {
  if (!std::exchange(connection.is_queued, true)) queued_.push_back(&connection);
}

/// Once each; what is busy comes again after the events that are there by then. A connection goes here only,
/// when none of the events at hand can name it any more.
void RelayLoop::pump_queued() {
  for (Connection* connection : std::exchange(queued_, {})) pump(*connection);
}

void RelayLoop::pump(Connection& connection) {
  connection.is_queued = false;
  const auto up = connection.up.pump(scratch_), down = connection.down.pump(scratch_);
  // A client that is gone takes no answer: TCP tells a sender so by a reset, which it may be waiting for.
  const bool is_in_vain = connection.down.sends_in_vain(scratch_);
  if (is_in_vain) reset_on_close(connection.worker.side.socket.get());
  const bool is_done = down == Flow::State::done && (up == Flow::State::done || ends_at_);
  if (is_done || is_in_vain) {
    connections_.erase(connection.place);
  } else if (up == Flow::State::busy || down == Flow::State::busy) {
    queue(connection);
  }
}

void RelayLoop::update_accepting() {
  const bool wanted = connections_.size() < kMostConnections && !rests_until_ && !ends_at_;
  if (wanted == is_accepting_) return;
  epoll_event event{};
  event.events = wanted ? static_cast<std::uint32_t>(EPOLLIN) : 0;
  event.data.ptr = &listener_;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, listener_, &event) == 0) is_accepting_ = wanted;
}

void RelayLoop::accept_some() {
  for (int i = 0; i < kAcceptsAtOnce && connections_.size() < kMostConnections; ++i) {
    UniqueFd client(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) {
      join(std::move(client));
      continue;
    }
    if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) rests_until_ = Clock::now() + kRest;
    return;
  }
}

/// Where the worker does not listen the client is let go at once. Whether it does is often known only later:
/// then the connection's first event tells.
void RelayLoop::join(UniqueFd client) {
  UniqueFd worker = connect_to_worker();
  if (!worker) return;
  Connection& connection = connections_.emplace_back();
  connection.place = std::prev(connections_.end());
  connection.client.side.socket = std::move(client);
  connection.worker.side.socket = std::move(worker);
  for (End* end : {&connection.client, &connection.worker}) {
    if (watch(end->side.socket.get(), kEdges, end)) continue;
    connections_.pop_back();
    return;
  }
}

UniqueFd RelayLoop::connect_to_worker() const {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return {};
  const int on = 1;  // what the client sent in pieces is passed on at once
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // On cgroup v2 what waits in sockets counts as the worker's memory, and left to itself the kernel lets
  // megabytes wait: before the connect, as the window that is announced then stays.
  const int most_waiting = 4 * kPiece;
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &most_waiting, sizeof most_waiting);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS)
    return {};
  return fd;
}

}  // namespace herd::exec
