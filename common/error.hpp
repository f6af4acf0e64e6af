// Errors that read as a sentence: each layer adds its clause in front, errno is taken first.
//
//   start 'web': mount '/srv/data': open: Permission denied
//
// Library code returns Result and logs nothing; the top (app, a worker, a connection) logs once.
#pragma once

#include <cerrno>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace herd {

struct Error {
  std::string message;
  int errno_value = 0;  // the errno behind it, 0 where there was none

  /// The same error with a clause in front: "clause: message".
  [[nodiscard]] Error in(const std::string& clause) && {
    message = clause + ": " + message;
    return std::move(*this);
  }
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = tl::expected<void, Error>;

/// "what: strerror(errno)"; reads errno before anything else can change it.
[[nodiscard]] tl::unexpected<Error> fail_errno(const std::string& what, int errno_value = errno);
[[nodiscard]] tl::unexpected<Error> fail(std::string message);
/// Passes an error on with a clause in front of it.
[[nodiscard]] tl::unexpected<Error> fail_in(const std::string& clause, Error error);

}  // namespace herd

// HERD_TRY(auto fd, open_it());   declares fd, or returns the error
// HERD_CHECK(write_it());         returns the error of a Status
#define HERD_CONCAT_INNER(a, b) a##b
#define HERD_CONCAT(a, b) HERD_CONCAT_INNER(a, b)
#define HERD_TRY_AS(name, declaration, expression)                  \
  auto name = (expression);                                         \
  if (!name) return ::tl::make_unexpected(std::move(name).error()); \
  declaration = std::move(*name)
#define HERD_TRY(declaration, expression) HERD_TRY_AS(HERD_CONCAT(result_, __LINE__), declaration, expression)
#define HERD_CHECK(expression)                                                                           \
  do {                                                                                                   \
    if (auto status_ = (expression); !status_) return ::tl::make_unexpected(std::move(status_).error()); \
  } while (false)
