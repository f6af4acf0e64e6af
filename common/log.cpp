#include "common/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

namespace herd {
namespace {

std::atomic<LogStyle> g_style{LogStyle::text};

/// How many bytes the UTF-8 character at the start of `text` has; 0 where it is none, or a control character
/// (also the C1 ones, U+0080 to U+009F).
std::size_t printable_length(std::string_view text) {
  const auto byte = [&](std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (std::size_t at = 1; at < length; ++at)
    if ((byte(at) & 0xc0) != 0x80) return 0;
  const unsigned second = byte(1);
  const bool is_overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool is_no_character = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  const bool is_c1 = first == 0xc2 && second < 0xa0;
  return is_overlong || is_no_character || is_c1 ? 0 : length;
}

/// Control characters would let a worker write lines of its own, or commands to a terminal, into the log;
/// bytes that are no UTF-8 would make its JSON form unreadable.
std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = printable_length(text);
    if (length > 0) {
      result += text.substr(0, length);
    } else if (text.front() == '\t') {
      result += ' ';
    } else {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(text.front()));
      result += escaped;
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

std::string json_quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

std::string with_subject(const std::string& text, const LogSubject& subject, const char* stream) {
  std::string line;
  const bool is_json = g_style == LogStyle::json;
  const auto add = [&](const char* key, std::string_view value) {
    if (value.empty()) return;
    line += is_json ? std::string(",\"") + key + "\":" + json_quoted(value)
                    : std::string(" ") + key + "=" + std::string(value);
  };
  add("pool", subject.pool);
  add("worker", subject.worker);
  add("session", subject.session);
  add("stream", stream);
  return is_json ? "\"message\":" + json_quoted(text) + line + "}"
                 : printable(text) + (line.empty() ? "" : "  [" + line.substr(1) + "]");
}

}  // namespace

void set_up_log(const std::string& level, LogStyle style) {
  g_style = style;
  auto logger = spdlog::stderr_logger_mt("herd");
  logger->set_pattern(style == LogStyle::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v)"
                                              : "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v",
                      spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

void log_debug(const std::string& text, const LogSubject& subject) {
  spdlog::debug("{}", with_subject(text, subject, ""));
}
void log_info(const std::string& text, const LogSubject& subject) {
  spdlog::info("{}", with_subject(text, subject, ""));
}
void log_warning(const std::string& text, const LogSubject& subject) {
  spdlog::warn("{}", with_subject(text, subject, ""));
}
void log_error(const std::string& text, const LogSubject& subject) {
  spdlog::error("{}", with_subject(text, subject, ""));
}

void log_output(const LogSubject& subject, std::string_view line) {
  spdlog::info("{}", with_subject(std::string(line), subject, subject.is_stderr ? "stderr" : "stdout"));
}

std::function<void(std::exception_ptr)> log_failure(const char* what) {
  return [what](std::exception_ptr error) {
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& exception) {
      log_error(std::string(what) + ": " + exception.what());
    }
  };
}

}  // namespace herd
