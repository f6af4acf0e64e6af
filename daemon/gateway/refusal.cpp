#include "daemon/gateway/refusal.hpp"

#include "protocol/gateway/json.hpp"

namespace herd::gateway {
namespace {

const char* reason_phrase(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 408:
      return "Request Timeout";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Refused";
  }
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

std::string body_of(const Refusal& refusal) {
  Json error{{"code", refusal.code},
             {"message", refusal.message},
             {"hint", text_or_null(refusal.hint)},
             {"pool", text_or_null(refusal.pool)}};
  if (!refusal.reason.empty()) error["reason"] = refusal.reason;
  return dump({{"error", std::move(error)}}) + "\n";
}

}  // namespace

Refusal refusal_of(const Refused& refused, const std::string& pool) {
  return {static_cast<int>(refused.status), refused.code, refused.message, refused.hint, pool, "",
          refused.retry_after_seconds};
}

Refusal bad_request(int status, const std::string& message) {
  return {status, status == 431 ? "header_too_large" : "bad_request", message};
}

Refusal no_daemon(const std::string& pool) {
  return {503,
          "stopping",
          "herdd is gone; only sessions that the gateway knows are served",
          "try again once it runs",
          pool,
          "",
          1};
}

std::string to_text(const Refusal& refusal, const RefusalManners& manners) {
  const std::string body = body_of(refusal);
  std::string text =
      "HTTP/1.1 " + std::to_string(refusal.status) + ' ' + reason_phrase(refusal.status) +
      "\r\nServer: herd\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n";
  if (refusal.retry_after_seconds)
    text += "Retry-After: " + std::to_string(*refusal.retry_after_seconds) + "\r\n";
  if (manners.closes) text += "Connection: close\r\n";
  if (manners.says_keep_alive) text += "Connection: keep-alive\r\n";
  text += "\r\n";
  if (!manners.has_no_body) text += body;
  return text;
}

}  // namespace herd::gateway
