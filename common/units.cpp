#include "common/units.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace herd {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array kSizes{Unit{"TiB", 1ULL << 40}, Unit{"GiB", 1ULL << 30}, Unit{"MiB", 1ULL << 20},
                            Unit{"KiB", 1ULL << 10}, Unit{"B", 1}};
constexpr std::array kDurations{Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000},
                                Unit{"s", 1000}, Unit{"ms", 1}};

template <std::size_t N>
Result<std::uint64_t> parse(std::string_view text, const std::array<Unit, N>& units, const char* expected) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, number);
  const std::string quoted = "'" + std::string(text.substr(0, 64)) + "'";
  if (error == std::errc::result_out_of_range) return fail(quoted + " is too large");
  if (error != std::errc{} || rest == text.data()) return fail(quoted + " is not " + expected);
  const std::string_view name(rest, static_cast<std::size_t>(end - rest));
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    // Everything downstream is signed 64-bit (chrono, rlimits, cgroup files).
    if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / unit.factor)
      return fail(quoted + " is too large");
    return number * unit.factor;
  }
  return fail(quoted + " is not " + expected);
}

template <std::size_t N>
std::string format_with(std::uint64_t value, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0)
      return std::to_string(value / unit.factor) + std::string(unit.name);
  }
  return "0" + std::string(units.back().name);
}

}  // namespace

Result<Bytes> parse_bytes(std::string_view text) {
  HERD_TRY(const std::uint64_t value,
           parse(text, kSizes, "a size such as \"512KiB\", \"256MiB\" or \"2GiB\""));
  return Bytes{value};
}

Result<Duration> parse_duration(std::string_view text) {
  HERD_TRY(const std::uint64_t value,
           parse(text, kDurations, "a duration such as \"250ms\", \"5s\", \"2m\" or \"1h\""));
  return Duration{static_cast<Duration::rep>(value)};
}

std::string format(Bytes size) {
  return format_with(size.value, kSizes);
}
std::string format(Duration duration) {
  return format_with(static_cast<std::uint64_t>(duration.count()), kDurations);
}

}  // namespace herd
