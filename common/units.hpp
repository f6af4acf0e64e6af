// Sizes and durations as people write them in a pool file: "256MiB", "250ms".
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.hpp"

namespace herd {

using Duration = std::chrono::milliseconds;

struct Bytes {
  std::uint64_t value = 0;
  auto operator<=>(const Bytes&) const = default;
};

constexpr Bytes kib(std::uint64_t count) {
  return Bytes{count << 10};
}
constexpr Bytes mib(std::uint64_t count) {
  return Bytes{count << 20};
}
constexpr Bytes gib(std::uint64_t count) {
  return Bytes{count << 30};
}

/// A whole number and one unit: "512KiB" "256MiB" "2GiB" "1TiB" "100B". The error says what was expected.
Result<Bytes> parse_bytes(std::string_view text);
/// A whole number and one unit: "250ms" "5s" "2m" "1h" "1d".
Result<Duration> parse_duration(std::string_view text);

/// The largest unit that holds the value exactly, so that parsing it gives the same value back.
std::string format(Bytes size);
std::string format(Duration duration);

}  // namespace herd
