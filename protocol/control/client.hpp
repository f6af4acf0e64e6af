// A small synchronous client of the control socket. One thread at a time; blocks for at most its timeout.
// An Error here means that no answer was had; an answer that says no is a Reply with its status.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.hpp"
#include "common/units.hpp"
#include "protocol/control/messages.hpp"

namespace herd::protocol {

struct Reply {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string text;  // the body as it came
  Json body;         // the same, where its type is JSON; else null

  [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
  /// Empty where there is none; names without regard to case.
  [[nodiscard]] std::string header(std::string_view name) const;
};

struct Request {
  std::string method = "GET";
  std::string target;  // with its query, encoded: see routes.hpp's fill
  Json body;           // null: no body
  std::optional<Duration> timeout =
      Duration{30'000};  // of the whole answer, a stream's head; empty: for ever
};

/// An answer that comes as lines. Destroying it closes the connection, which ends a `connection` lease.
class LineStream {
 public:
  LineStream(LineStream&&) noexcept;
  LineStream& operator=(LineStream&&) noexcept;
  ~LineStream();

  /// Status and headers; text and body too where the status is not 2xx.
  [[nodiscard]] const Reply& head() const;

  enum class State { line, nothing_yet, ended };
  /// Never waits: takes what is there. `nothing_yet`: poll fd() for reading first.
  Result<State> try_next(std::string& line);
  /// Waits for the next line, however long it takes; false at the stream's end.
  Result<bool> next(std::string& line);
  [[nodiscard]] int fd() const;

 private:
  friend class Client;
  struct Impl;
  explicit LineStream(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class Client {
 public:
  explicit Client(std::string path);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  /// Keeps its connection for the next request.
  Result<Reply> send(const Request& request);
  Result<Reply> get(const std::string& target) { return send({.target = target}); }
  Result<Reply> post(const std::string& target, Json body = nullptr) {
    return send({.method = "POST", .target = target, .body = std::move(body)});
  }
  Result<Reply> remove(const std::string& target) { return send({.method = "DELETE", .target = target}); }

  /// On a connection of its own.
  Result<LineStream> open(const Request& request);

 private:
  struct Wire;
  std::string path_;
  std::unique_ptr<Wire> wire_;
};

}  // namespace herd::protocol
