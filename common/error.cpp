#include "common/error.hpp"

#include <cstring>

namespace herd {

tl::unexpected<Error> fail_errno(const std::string& what, int errno_value) {
  char buffer[128];
  // GNU strerror_r: returns the text, which may not be in the buffer; safe on any thread.
  const char* text = strerror_r(errno_value, buffer, sizeof buffer);
  return tl::make_unexpected(Error{what + ": " + text, errno_value});
}

tl::unexpected<Error> fail(std::string message) {
  return tl::make_unexpected(Error{std::move(message), 0});
}

tl::unexpected<Error> fail_in(const std::string& clause, Error error) {
  return tl::make_unexpected(std::move(error).in(clause));
}

}  // namespace herd
