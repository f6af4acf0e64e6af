// A request's body and query, read strictly: what is not known is an error that names the nearest known word.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/control/service.hpp"

namespace herd::control {

ApiError bad_request(std::string message);

/// The longest that a caller may ask an acquire to wait.
inline constexpr Duration kMaxAcquireTimeout = std::chrono::hours(24);
inline constexpr int kMaxScale = 100'000;

/// An empty body is {}; a key that is null is as good as absent. Keys other than `known` are refused.
class Body {
 public:
  static ApiResult<Body> read(std::string_view text, std::span<const std::string_view> known);

  [[nodiscard]] ApiResult<std::optional<std::string>> text(const char* key) const;
  [[nodiscard]] ApiResult<std::optional<Duration>> duration(const char* key, Duration max) const;
  [[nodiscard]] ApiResult<std::optional<int>> count(const char* key, int max) const;

 private:
  const Json* find(const char* key) const;
  Json object_;
};

/// "a=1&b=2", each key once.
class Query {
 public:
  static ApiResult<Query> read(std::string_view text, std::span<const std::string_view> known);

  [[nodiscard]] std::optional<std::string> text(std::string_view key) const;
  [[nodiscard]] ApiResult<std::uint64_t> number(std::string_view key, std::uint64_t otherwise) const;
  [[nodiscard]] ApiResult<bool> flag(std::string_view key, bool otherwise) const;

 private:
  std::vector<std::pair<std::string, std::string>> parts_;
};

}  // namespace herd::control
