#include "tests/bench/http.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>

#include "tests/bench/field.hpp"

namespace herd::bench {

std::string request_text(std::string_view method, std::string_view target, std::string_view body) {
  std::string text = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: herd\r\n";
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + std::string(body);
}

Result<Client> Client::connect(const std::string& socket) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.size() >= sizeof address.sun_path) return fail_errno("'" + socket + "'", ENAMETOOLONG);
  std::memcpy(address.sun_path, socket.c_str(), socket.size() + 1);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("connect to '" + socket + "'");
  return Client(std::move(fd));
}

Result<Client> Client::connect(std::uint16_t port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("connect to 127.0.0.1:" + std::to_string(port));
  const int yes = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return Client(std::move(fd));
}

Status Client::send(std::string_view request) {
  const ssize_t sent = ::send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(request.size()))
    return fail_errno("send a request", sent < 0 ? errno : EIO);
  return {};
}

Status Client::fill(std::chrono::milliseconds timeout) {
  if (!wait_readable(fd_.get(), timeout)) return fail_errno("wait for an answer", ETIMEDOUT);
  std::array<char, 16384> bytes;
  const ssize_t count = recv(fd_.get(), bytes.data(), bytes.size(), 0);
  if (count < 0) return fail_errno("read an answer");
  if (count == 0) return fail_errno("read an answer", ECONNRESET);
  buffer_.append(bytes.data(), static_cast<std::size_t>(count));
  return {};
}

Result<Answer> Client::receive(std::chrono::milliseconds timeout) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  std::size_t header = 0;
  while ((header = buffer_.find(kEnd)) == std::string::npos) HERD_CHECK(fill(timeout));
  const std::size_t begin = header + kEnd.size();
  const std::string_view said = field(std::string_view(buffer_).substr(0, begin), "Content-Length");
  if (said.empty()) return fail("an answer without Content-Length: " + buffer_.substr(0, header));
  std::size_t length = 0;
  std::from_chars(said.data(), said.data() + said.size(), length);
  while (buffer_.size() < begin + length) HERD_CHECK(fill(timeout));
  Answer answer;
  constexpr std::size_t kStatusAt = 9;  // after "HTTP/1.1 "
  std::from_chars(buffer_.data() + kStatusAt, buffer_.data() + kStatusAt + 3, answer.status);
  answer.body = buffer_.substr(begin, length);
  buffer_.erase(0, begin + length);
  return answer;
}

Result<Answer> Client::call(std::string_view method, std::string_view target, std::string_view body) {
  HERD_CHECK(send(request_text(method, target, body)));
  return receive();
}

Result<Answer> Client::expect_success(std::string_view method, std::string_view target,
                                      std::string_view body) {
  HERD_TRY(Answer answer, call(method, target, body));
  if (answer.status / 100 == 2) return answer;
  return fail(std::string(method) + " " + std::string(target) + ": " + std::to_string(answer.status) + " " +
              answer.body);
}

Result<std::string> Client::read_some(std::chrono::milliseconds timeout) {
  HERD_CHECK(fill(timeout));
  return std::exchange(buffer_, {});
}

Result<Events> Events::follow(const std::string& socket) {
  HERD_TRY(Client client, Client::connect(socket));
  HERD_CHECK(client.send(request_text("GET", "/v1/events?since=0")));
  return Events(std::move(client));
}

Result<std::string> Events::next_line(Clock::time_point deadline) {
  while (true) {
    if (const std::size_t end = text_.find('\n'); end != std::string::npos) {
      std::string line = text_.substr(0, end);
      text_.erase(0, end + 1);
      return line;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    HERD_TRY(const std::string more, client_.read_some(std::max(left, std::chrono::milliseconds(0))));
    text_ += more;
  }
}

/// One object a line; the chunks' lengths between them have lines of their own and hold no such text.
Status Events::wait_for(std::string_view type, int count, std::chrono::milliseconds timeout) {
  const std::string wanted = "\"type\":\"" + std::string(type) + "\"";
  const auto deadline = Clock::now() + timeout;
  while (count > 0) {
    const auto line = next_line(deadline);
    if (!line) return fail_in("wait for " + std::string(type), line.error());
    if (line->find(wanted) != std::string::npos) --count;
  }
  return {};
}

Result<nlohmann::json> Events::next(std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (true) {
    HERD_TRY(const std::string line, next_line(deadline));
    if (line.starts_with('{')) return nlohmann::json::parse(line);
  }
}

}  // namespace herd::bench
