#include "tests/gateway/peer.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

namespace herd::test {
namespace {

constexpr timeval kPeerPatience{20, 0};

}  // namespace

Peer::Peer(UniqueFd socket) : socket_(std::move(socket)) {
  setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &kPeerPatience, sizeof kPeerPatience);
  setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &kPeerPatience, sizeof kPeerPatience);
}

void Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool Peer::more() {
  std::array<char, 65536> buffer;
  const ssize_t count = recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (count <= 0) return false;
  came_.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

std::string Peer::read_until(std::string_view text) {
  std::size_t at;
  while ((at = came_.find(text)) == std::string::npos) {
    if (!more()) return std::exchange(came_, {});
  }
  const std::string read = came_.substr(0, at + text.size());
  came_.erase(0, read.size());
  return read;
}

std::string Peer::read_exactly(std::size_t count) {
  while (came_.size() < count && more()) {
  }
  const std::string read = came_.substr(0, count);
  came_.erase(0, read.size());
  return read;
}

std::string Peer::read_message() {
  std::string message = read_head();
  constexpr std::string_view kLength = "Content-Length: ";
  const std::size_t at = message.find(kLength);
  if (at != std::string::npos) message += read_exactly(std::stoul(message.substr(at + kLength.size())));
  return message;
}

std::string Peer::read_to_end() {
  while (more()) {
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) came_ += "(waits)";
  return std::exchange(came_, {});
}

bool Peer::is_ended() {
  if (!came_.empty()) return false;
  char byte;
  const ssize_t count = recv(socket_.get(), &byte, 1, 0);
  return count == 0 || (count < 0 && errno == ECONNRESET);
}

bool Peer::has_news(int milliseconds) {
  pollfd poller{socket_.get(), POLLIN, 0};
  return !came_.empty() || poll(&poller, 1, milliseconds) > 0;
}

bool Peer::read_body_of(char byte, std::uint64_t count) {
  std::vector<char> buffer(1 << 20);
  const auto is_right = [&](std::string_view bytes) {
    return std::ranges::all_of(bytes, [&](char c) { return c == byte; });
  };
  const std::string before =
      came_.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(count, came_.size())));
  came_.erase(0, before.size());
  if (!is_right(before)) return false;
  for (std::uint64_t left = count - before.size(); left > 0;) {
    const ssize_t got = recv(socket_.get(), buffer.data(), std::min<std::uint64_t>(left, buffer.size()), 0);
    // Only the ends are looked at: all of 1 GiB takes longer than sending it.
    if (got <= 0 || buffer[0] != byte || buffer[static_cast<std::size_t>(got) - 1] != byte) return false;
    left -= static_cast<std::uint64_t>(got);
  }
  return true;
}

std::uint64_t Peer::fill(char byte, std::uint64_t most) {
  const std::string block(1 << 16, byte);
  std::uint64_t sent = 0;
  // What is on its way inside the gateway may make room once more.
  pollfd poller{socket_.get(), POLLOUT, 0};
  while (sent < most && poll(&poller, 1, 300) > 0) {
    const ssize_t count =
        ::send(socket_.get(), block.data(), std::min<std::uint64_t>(block.size(), most - sent),
               MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) sent += static_cast<std::uint64_t>(count);
    if (count < 0 && errno != EAGAIN) break;
  }
  return sent;
}

void Peer::end_sending() {
  shutdown(socket_.get(), SHUT_WR);
}

void Peer::reset() {
  const linger now{1, 0};
  setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  socket_.reset();
}

Peer connect_tcp(int port) {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("connect to the gateway");
  const int on = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return Peer(std::move(socket));
}

}  // namespace herd::test
