#include "tests/gateway/fake_worker.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <stdexcept>

namespace herd::test {
namespace {

constexpr int kAcceptPatience = 20'000;

UniqueFd listen_unix(const std::string& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(socket.get(), 128) != 0)
    throw std::runtime_error("a worker's socket");
  return socket;
}

}  // namespace

UniqueFd listen_tcp(int& port) {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      listen(socket.get(), 128) != 0 ||
      getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("a listening port");
  port = ntohs(address.sin_port);
  return socket;
}

FakeWorker::FakeWorker(std::string path) : path_(std::move(path)) {
  if (path_.empty()) {
    int port = 0;
    listener_ = listen_tcp(port);
    address_ = "tcp:127.0.0.1:" + std::to_string(port);
  } else {
    listener_ = listen_unix(path_);
    address_ = "unix:" + path_;
  }
}

bool FakeWorker::has_connection(int milliseconds) {
  pollfd poller{listener_.get(), POLLIN, 0};
  return poll(&poller, 1, milliseconds) > 0;
}

Peer FakeWorker::accept() {
  if (!has_connection(kAcceptPatience))
    throw std::runtime_error("the gateway does not connect to the worker");
  return Peer(UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
}

UniqueFd FakeWorker::path_fd() const {
  return path_.empty() ? UniqueFd() : UniqueFd(::open(path_.c_str(), O_PATH | O_CLOEXEC));
}

}  // namespace herd::test
