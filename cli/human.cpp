#include "cli/human.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace herd::cli {

std::string printable(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters too: C2 80 to C2 9F in UTF-8.
    const bool is_c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (is_c1) ++i;
    safe += is_c1 || byte < 0x20 || byte == 0x7F ? '?' : text[is_c1 ? i - 1 : i];
  }
  return safe;
}

const Json& at(const Json& object, std::string_view key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(std::string(key));
  return found == object.end() ? kNull : *found;
}

const Json& at(const Json& object, std::string_view key, std::string_view inner) {
  return at(at(object, key), inner);
}

std::string text_of(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_string()) return printable(value.get_ref<const std::string&>());
  return printable(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string text_at(const Json& object, std::string_view key) {
  return text_of(at(object, key));
}

std::string human_seconds(double seconds) {
  if (!(seconds >= 0)) return "-";
  if (seconds < 1) return std::to_string(static_cast<int>(seconds * 1000)) + "ms";
  const auto total = static_cast<std::uint64_t>(seconds);
  const std::uint64_t days = total / 86'400, hours = total / 3600 % 24, minutes = total / 60 % 60,
                      rest = total % 60;
  const auto pair = [](std::uint64_t large, char unit, std::uint64_t small, char small_unit) {
    std::string text = std::to_string(large) + unit;
    if (small > 0) text += std::to_string(small) + small_unit;
    return text;
  };
  if (days > 0) return pair(days, 'd', hours, 'h');
  if (hours > 0) return pair(hours, 'h', minutes, 'm');
  if (minutes > 0) return pair(minutes, 'm', rest, 's');
  return std::to_string(rest) + "s";
}

std::string human_bytes(std::uint64_t bytes) {
  static constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // 1023.95 would be shown as "1024.0".
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", value, kUnits[unit]);
  return text;
}

std::string seconds_at(const Json& object, std::string_view key) {
  const Json& value = at(object, key);
  return value.is_number() ? human_seconds(value.get<double>()) : "-";
}

std::string bytes_of(const Json& value) {
  return value.is_number_unsigned() ? human_bytes(value.get<std::uint64_t>()) : "-";
}

std::string age_of(const Json& time, std::chrono::system_clock::time_point now) {
  if (!time.is_string()) return "-";
  std::tm parts{};
  if (strptime(time.get_ref<const std::string&>().c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr)
    return "-";
  const auto then = std::chrono::system_clock::from_time_t(timegm(&parts));
  const double seconds = std::chrono::duration<double>(now - then).count();
  return human_seconds(seconds < 0 ? 0 : seconds);  // two clocks may differ a little
}

std::string reason_of(const Json& reason) {
  if (!reason.is_object()) return text_of(reason);
  std::string text = text_at(reason, "kind");
  for (const auto& [key, value] : reason.items()) {
    const bool says_nothing = value.is_null() || value == "" || value == 0;
    if (key == "kind" || says_nothing) continue;
    text += " " + printable(key) + "=" + text_of(value);
  }
  return text;
}

}  // namespace herd::cli
