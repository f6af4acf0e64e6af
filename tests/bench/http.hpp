// A lean HTTP client: one buffer, no parser beyond what the answers need, so that what is
// measured is the server. The same code talks to herd and to its peer.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/unique_fd.hpp"
#include "tests/bench/process.hpp"

namespace herd::bench {

std::string request_text(std::string_view method, std::string_view target, std::string_view body = {});

struct Answer {
  int status = 0;
  std::string body;
};

class Client {
 public:
  /// To a unix socket.
  static Result<Client> connect(const std::string& socket);
  /// To 127.0.0.1.
  static Result<Client> connect(std::uint16_t port);

  Status send(std::string_view request);
  /// The next answer, which has to have a Content-Length.
  Result<Answer> receive(std::chrono::milliseconds timeout = std::chrono::seconds(30));
  Result<Answer> call(std::string_view method, std::string_view target, std::string_view body = {});
  /// An answer other than 2xx is an error that shows it.
  Result<Answer> expect_success(std::string_view method, std::string_view target, std::string_view body = {});
  /// Any bytes of a stream that is not made of answers; empty at its end.
  Result<std::string> read_some(std::chrono::milliseconds timeout);

  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  explicit Client(UniqueFd fd) : fd_(std::move(fd)) {}
  Status fill(std::chrono::milliseconds timeout);
  UniqueFd fd_;
  std::string buffer_;
};

/// GET /v1/events, followed from the first event on.
class Events {
 public:
  static Result<Events> follow(const std::string& socket);
  /// Reads on until `count` events of this type have come.
  Status wait_for(std::string_view type, int count, std::chrono::milliseconds timeout);
  /// The next event.
  Result<nlohmann::json> next(std::chrono::milliseconds timeout);

 private:
  Result<std::string> next_line(Clock::time_point deadline);
  explicit Events(Client client) : client_(std::move(client)) {}
  Client client_;
  std::string text_;  // not looked at yet
};

}  // namespace herd::bench
