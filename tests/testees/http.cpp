#include "tests/testees/http.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "tests/testees/support.hpp"

namespace testee {

namespace {

constexpr std::size_t kMaxRequest = 2 << 20;
constexpr int kBacklog = 128;

struct Connection {
  int fd = -1;
  std::string input;
  bool open = true;
};

/// The value of a header in the header's text, "" where it is missing.
std::string header_value(const std::string& head, const char* name) {
  const std::size_t length = std::strlen(name);
  for (std::size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at + 2)) {
    if (::strncasecmp(head.c_str() + at + 2, name, length) != 0 || head[at + 2 + length] != ':') continue;
    const std::size_t start = head.find_first_not_of(' ', at + 3 + length);
    return head.substr(start, head.find("\r\n", start) - start);
  }
  return "";
}

/// Writes all, waiting for a slow reader; false where it left.
bool send_all(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = ::send(fd, text.data() + done, text.size() - done, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

Request parse(const std::string& head, std::string body) {
  Request request;
  const std::size_t method_end = head.find(' ');
  const std::size_t target_end = head.find(' ', method_end + 1);
  if (method_end == std::string::npos || target_end == std::string::npos) return request;
  request.method = head.substr(0, method_end);
  const std::string target = head.substr(method_end + 1, target_end - method_end - 1);
  const std::size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos) request.query = target.substr(question + 1);
  request.body = std::move(body);
  return request;
}

void respond(Connection& connection, const std::string& head, const Response& response) {
  const std::string wish = header_value(head, "Connection");
  connection.open =
      head.find("HTTP/1.1\r\n") != std::string::npos && ::strcasecmp(wish.c_str(), "close") != 0;
  const std::string text =
      "HTTP/1.1 " + std::to_string(response.status) + (response.status == 200 ? " OK" : " No") +
      "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(response.body.size()) +
      "\r\nConnection: " + (connection.open ? "keep-alive" : "close") + "\r\n\r\n" + response.body;
  connection.open = send_all(connection.fd, text) && connection.open;
  if (response.afterwards) response.afterwards();
}

/// Answers each whole request of the input.
void answer_all(Connection& connection, const Answer& answer) {
  while (connection.open) {
    const std::size_t end = connection.input.find("\r\n\r\n");
    if (end == std::string::npos) return;
    const std::string head = connection.input.substr(0, end + 2);
    const std::size_t length = std::strtoul(header_value(head, "Content-Length").c_str(), nullptr, 10);
    if (connection.input.size() - end - 4 < length) return;
    const Request request = parse(head, connection.input.substr(end + 4, length));
    connection.input.erase(0, end + 4 + length);
    respond(connection, head, answer(request));
  }
}

void read_some(Connection& connection, const Answer& answer) {
  char piece[16384];
  const ssize_t count = ::recv(connection.fd, piece, sizeof piece, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count > 0) connection.input.append(piece, static_cast<std::size_t>(count));
  connection.open = count > 0 && connection.input.size() <= kMaxRequest;
  if (connection.open) answer_all(connection, answer);
}

}  // namespace

void serve_http(int listener, const Answer& answer) {
  std::vector<Connection> connections;
  for (;;) {
    std::vector<pollfd> waits = {{listener, POLLIN, 0}};
    for (const auto& connection : connections) waits.push_back({connection.fd, POLLIN, 0});
    if (::poll(waits.data(), waits.size(), -1) < 0) continue;
    for (std::size_t i = 0; i < connections.size(); ++i)
      if (waits[i + 1].revents != 0) read_some(connections[i], answer);
    std::erase_if(connections, [](const Connection& connection) {
      if (!connection.open) ::close(connection.fd);
      return !connection.open;
    });
    if ((waits[0].revents & POLLIN) == 0) continue;
    if (const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC); fd >= 0)
      connections.push_back({fd, {}});
  }
}

int listen_on(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, kBacklog) != 0)
    die("listen on port " + std::to_string(port) + ": " + errno_name(errno));
  return fd;
}

}  // namespace testee
