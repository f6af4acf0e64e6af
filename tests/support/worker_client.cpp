#include "tests/support/worker_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cstring>
#include <stdexcept>

#include "tests/support/host.hpp"

namespace herd::test {
namespace {

UniqueFd connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("socket path too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  return fd;
}

UniqueFd connect_tcp(const std::string& host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  return fd;
}

}  // namespace

UniqueFd connect_to(const std::string& address) {
  if (address.starts_with("unix:")) return connect_unix(address.substr(5));
  const std::size_t colon = address.rfind(':');
  return connect_tcp(address.substr(4, colon - 4), std::stoi(address.substr(colon + 1)));
}

Json ask(const std::string& address, const std::string& path) {
  const UniqueFd fd = connect_to(address);
  if (!fd) throw std::runtime_error("nobody listens at " + address);
  const timeval patience{kPatience.count(), 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n";
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    return nullptr;
  std::string answer;
  char block[16384];
  ssize_t count = 0;
  while ((count = ::recv(fd.get(), block, sizeof block, 0)) > 0)
    answer.append(block, static_cast<std::size_t>(count));
  if (count < 0 && errno == EAGAIN) throw std::runtime_error("no answer to GET " + path + " at " + address);
  const std::size_t body = answer.find("\r\n\r\n");
  if (body == std::string::npos) return nullptr;
  return Json::parse(answer.substr(body + 4), nullptr, false);
}

}  // namespace herd::test
