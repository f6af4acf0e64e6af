// The worker behind herd-gateway and its peers while they are measured: as little work for each request as
// HTTP allows, so that the proxy is what limits. Serves the listener that it was passed, fd 3.
//
//   GET /bytes?N   N bytes              POST      reads the body and tells its size
//   Upgrade        sends all back       else      a small fixed answer
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "tests/bench/field.hpp"

namespace {

using herd::bench::field;

constexpr int kListener = 3;  // as systemd passes it
constexpr std::size_t kBlock = 256 << 10;

constexpr std::string_view kSmallAnswer =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nHello, world!\n";
/// To the key that the benchmark sends, which is RFC 6455's example.
constexpr std::string_view kSwitchingProtocols =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

std::array<char, kBlock> received;
std::array<char, kBlock> zeros;

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

class Connection {
 public:
  Connection(int epoll, int socket) : epoll_(epoll), socket_(socket) {
    epoll_event event{EPOLLIN, {.ptr = this}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, socket_, &event);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(socket_); }

  /// False: it is over.
  bool on_ready() {
    if (is_blocked_) return flush();
    const ssize_t count = recv(socket_, received.data(), received.size(), 0);
    if (count < 0) return errno == EAGAIN;
    if (count == 0) return false;
    feed({received.data(), static_cast<std::size_t>(count)});
    return flush();
  }

 private:
  void feed(std::string_view data) {
    while (!data.empty()) {
      if (is_tunnel_) {
        text_ += data;
        return;
      }
      if (body_left_ > 0) {
        const std::uint64_t part = std::min<std::uint64_t>(body_left_, data.size());
        body_left_ -= part;
        data.remove_prefix(part);
        if (body_left_ == 0) answer_post();
      } else {
        data.remove_prefix(take_head(data));
      }
    }
  }

  /// How much of `data` is the head's.
  std::size_t take_head(std::string_view data) {
    constexpr std::string_view kEnd = "\r\n\r\n";
    const std::size_t before = head_.size();
    head_ += data;
    const std::size_t end = head_.find(kEnd, before < kEnd.size() ? 0 : before - kEnd.size());
    if (end == std::string::npos) return data.size();
    const std::size_t size = end + kEnd.size();
    begin(std::string_view(head_).substr(0, size));
    head_.clear();
    return size - before;
  }

  void begin(std::string_view head) {
    constexpr std::string_view kBytes = "GET /bytes?";
    if (head.starts_with("POST ")) {
      body_ = body_left_ = number(field(head, "Content-Length"));
      if (body_left_ == 0) answer_post();
    } else if (head.starts_with(kBytes)) {
      zeros_left_ = number(head.substr(kBytes.size()));
      text_ += "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(zeros_left_) + "\r\n\r\n";
    } else if (!field(head, "Upgrade").empty()) {
      is_tunnel_ = true;
      text_ += kSwitchingProtocols;
    } else {
      text_ += kSmallAnswer;
    }
  }

  void answer_post() {
    const std::string count = std::to_string(body_) + "\n";
    text_ += "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(count.size()) + "\r\n\r\n" + count;
  }

  bool flush() {
    while (!text_.empty() || zeros_left_ > 0) {
      iovec parts[] = {
          {text_.data(), text_.size()},
          {zeros.data(), static_cast<std::size_t>(std::min<std::uint64_t>(zeros_left_, kBlock))}};
      const msghdr message{.msg_name = nullptr,
                           .msg_namelen = 0,
                           .msg_iov = parts,
                           .msg_iovlen = 2,
                           .msg_control = nullptr,
                           .msg_controllen = 0,
                           .msg_flags = 0};
      const ssize_t count = sendmsg(socket_, &message, MSG_NOSIGNAL);
      if (count < 0) return errno == EAGAIN && block(true);
      const std::size_t of_text = std::min(text_.size(), static_cast<std::size_t>(count));
      text_.erase(0, of_text);
      zeros_left_ -= static_cast<std::size_t>(count) - of_text;
    }
    return block(false);
  }

  /// While it is, it waits for room and reads nothing.
  bool block(bool is_blocked) {
    if (is_blocked == is_blocked_) return true;
    is_blocked_ = is_blocked;
    epoll_event event{is_blocked ? EPOLLOUT : EPOLLIN, {.ptr = this}};
    return epoll_ctl(epoll_, EPOLL_CTL_MOD, socket_, &event) == 0;
  }

  int epoll_, socket_;
  std::string head_;              // of a request, as far as it has come
  std::string text_;              // to be sent
  std::uint64_t zeros_left_ = 0;  // to be sent behind it
  std::uint64_t body_ = 0, body_left_ = 0;
  bool is_tunnel_ = false, is_blocked_ = false;
};

void accept_one(int epoll) {
  const int socket = accept4(kListener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (socket >= 0) new Connection(epoll, socket);  // ends itself: see serve()
}

bool serve() {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event listener{EPOLLIN, {.ptr = nullptr}};
  if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, kListener, &listener) != 0) return false;
  while (true) {
    std::array<epoll_event, 64> events;
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    if (count < 0 && errno != EINTR) return false;
    for (int i = 0; i < count; ++i) {
      auto* connection = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (connection == nullptr)
        accept_one(epoll);
      else if (!connection->on_ready())
        delete connection;
    }
  }
}

}  // namespace

int main() {
  if (!serve()) std::perror("bench-http-worker: serve the listener, fd 3");
  return 1;
}
