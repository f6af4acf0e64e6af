#include "common/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdio>

namespace herd {
namespace {

std::atomic<LogStyle> g_style{LogStyle::text};

/// Control characters would let a worker write lines of its own, or commands to a terminal, into the log.
std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      result += c;
    } else if (c == '\t') {
      result += ' ';
    } else {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
      result += escaped;
    }
  }
  return result;
}

std::string quoted(std::string_view text) {
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
    line += is_json ? std::string(",\"") + key + "\":" + quoted(value)
                    : std::string(" ") + key + "=" + std::string(value);
  };
  add("pool", subject.pool);
  add("worker", subject.worker);
  add("session", subject.session);
  add("stream", stream);
  return is_json ? "\"message\":" + quoted(text) + line + "}"
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
