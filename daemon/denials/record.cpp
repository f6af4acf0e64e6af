#include "daemon/denials/record.hpp"

#include <charconv>

namespace herd::denials {
namespace {

template <typename Number>
bool read_number(std::string_view text, Number& number, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc{} && end == text.data() + text.size();
}

/// "audit(SECONDS.MILLISECONDS:SERIAL):" is taken off the text.
bool take_time(std::string_view& text, WallTime& time) {
  constexpr std::string_view kStart = "audit(", kEnd = "): ";
  const std::size_t end = text.find(kEnd);
  if (!text.starts_with(kStart) || end == std::string_view::npos) return false;
  const std::string_view stamp = text.substr(kStart.size(), end - kStart.size());
  const std::size_t point = stamp.find('.'), colon = stamp.find(':');
  if (colon == std::string_view::npos || point >= colon) return false;
  constexpr std::uint64_t kLatest = 1ULL << 33;  // far beyond any clock, and no overflow in nanoseconds
  std::uint64_t seconds = 0, milliseconds = 0, serial = 0;
  if (!read_number(stamp.substr(0, point), seconds) || seconds > kLatest ||
      !read_number(stamp.substr(point + 1, colon - point - 1), milliseconds) || milliseconds > 999 ||
      !read_number(stamp.substr(colon + 1), serial))
    return false;
  time = WallTime(std::chrono::seconds(seconds) + std::chrono::milliseconds(milliseconds));
  text.remove_prefix(end + kEnd.size());
  return true;
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool read_name(std::string_view text, std::string& name) {
  if (text == "(null)") return true;
  if (text.starts_with('"')) {
    if (text.size() < 2 || !text.ends_with('"')) return false;
    name = text.substr(1, text.size() - 2);
    return name.find('"') == std::string::npos;
  }
  if (text.empty() || text.size() % 2 != 0) return false;
  name.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit_of(text[i]), low = digit_of(text[i + 1]);
    if (high < 0 || low < 0) return false;
    name.push_back(static_cast<char>(high * 16 + low));
  }
  return true;
}

bool read_code(std::string_view text, std::uint32_t& code) {
  return text.starts_with("0x") && read_number(text.substr(2), code, 16);
}

enum Field : unsigned {
  kUid = 1,
  kPid = 2,
  kComm = 4,
  kExe = 8,
  kSignal = 16,
  kArch = 32,
  kNumber = 64,
  kCode = 128,
  kAll = 255
};

struct Parsed {
  unsigned field = 0;  // 0: one that nobody asks for, as the labels of security modules
  bool is_good = true;
};

Parsed read_field(std::string_view key, std::string_view value, Record& record) {
  if (key == "uid") return {kUid, read_number(value, record.uid)};
  if (key == "pid") return {kPid, read_number(value, record.pid) && record.pid > 0};
  if (key == "comm") return {kComm, read_name(value, record.comm)};
  if (key == "exe") return {kExe, read_name(value, record.exe)};
  if (key == "sig") return {kSignal, read_number(value, record.signal)};
  if (key == "arch") return {kArch, read_number(value, record.arch, 16)};
  if (key == "syscall") return {kNumber, read_number(value, record.number)};
  if (key == "code") return {kCode, read_code(value, record.code)};
  return {};
}

}  // namespace

std::optional<Record> parse_record(std::string_view text) {
  if (text.size() > kMaxRecord) return std::nullopt;
  Record record;
  if (!take_time(text, record.time)) return std::nullopt;
  unsigned seen = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) continue;
    const Parsed parsed = read_field(word.substr(0, equals), word.substr(equals + 1), record);
    if (!parsed.is_good || (seen & parsed.field) != 0) return std::nullopt;
    seen |= parsed.field;
  }
  return seen == kAll ? std::optional(std::move(record)) : std::nullopt;
}

}  // namespace herd::denials
