#include "daemon/control/http_text.hpp"

#include <boost/beast/http/status.hpp>
#include <charconv>

namespace herd::control {
namespace {

constexpr std::size_t kLongestMethod = 16;

void append_number(std::string& out, std::size_t number, int base = 10) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number, base);
  (void)error;  // 24 digits hold every size_t
  out.append(digits, end);
}

void append_status(std::string& out, unsigned status, Manners manners) {
  out += manners.http_1_1 ? "HTTP/1.1 " : "HTTP/1.0 ";
  append_number(out, status);
  const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  out += ' ';
  out.append(reason.data(), reason.size());
  out += "\r\nServer: herd\r\n";
}

}  // namespace

void append_answer(std::string& out, const Answer& answer, Manners manners) {
  append_status(out, answer.status, manners);
  out += "Content-Type: ";
  out += answer.content_type;
  out += "\r\nContent-Length: ";
  append_number(out, answer.body.size());
  if (!answer.allow.empty()) {
    out += "\r\nAllow: ";
    out += answer.allow;
  }
  if (answer.retry_after_seconds) {
    out += "\r\nRetry-After: ";
    append_number(out, static_cast<std::size_t>(*answer.retry_after_seconds));
  }
  if (!manners.keep_alive) out += "\r\nConnection: close";
  if (manners.keep_alive && !manners.http_1_1) out += "\r\nConnection: keep-alive";
  out += "\r\n\r\n";
  out += answer.body;
}

void append_stream_head(std::string& out, unsigned status, Manners manners) {
  append_status(out, status, manners);
  out += "Content-Type: ";
  out += protocol::kLinesType;
  if (manners.http_1_1) out += "\r\nTransfer-Encoding: chunked";
  out += "\r\nConnection: close\r\n\r\n";
}

void append_chunk(std::string& out, std::string_view lines, Manners manners) {
  if (lines.empty()) return;  // a chunk of no bytes would be the last one
  if (!manners.http_1_1) {
    out += lines;
    return;
  }
  append_number(out, lines.size(), 16);
  out += "\r\n";
  out += lines;
  out += "\r\n";
}

void append_last_chunk(std::string& out, Manners manners) {
  if (manners.http_1_1) out += "0\r\n\r\n";
}

bool is_surely_not_http(std::string_view start) {
  std::size_t length = 0;
  while (length < start.size() && start[length] >= 'A' && start[length] <= 'Z') ++length;
  if (length > kLongestMethod) return true;
  if (length == start.size()) return false;  // it may still become a method
  if (length == 0 || start[length] != ' ') return true;
  const std::size_t end = start.find('\n');
  return end != std::string_view::npos && start.substr(0, end).find(" HTTP/1.") == std::string_view::npos;
}

}  // namespace herd::control
