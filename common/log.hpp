// The daemon's log: text or JSON on stderr (under systemd that is the journal), through spdlog.
// Only the top logs (app, drivers, a connection); library code returns errors.
#pragma once

#include <exception>
#include <functional>
#include <string>
#include <string_view>

namespace herd {

enum class LogStyle { text, json };

/// Once, before the first line. `level`: trace debug info warn error.
void set_up_log(const std::string& level, LogStyle style);

/// Whom a line is about; empty parts are left out.
struct LogSubject {
  std::string_view pool, worker, session;
  bool is_stderr = false;
};

void log_debug(const std::string& text, const LogSubject& subject = {});
void log_info(const std::string& text, const LogSubject& subject = {});
void log_warning(const std::string& text, const LogSubject& subject = {});
void log_error(const std::string& text, const LogSubject& subject = {});
/// A line that a worker wrote: its bytes are made printable.
void log_output(const LogSubject& subject, std::string_view line);

/// The completion handler for a spawned coroutine: an exception that escaped it is logged, and nothing is
/// hidden.
std::function<void(std::exception_ptr)> log_failure(const char* what);

}  // namespace herd
