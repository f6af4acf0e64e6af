#include "daemon/gateway/rewrite.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <sys/socket.h>

#include <cstring>

#include "daemon/gateway/http/characters.hpp"

namespace herd::gateway {
namespace {

using http::Field;
using http::Name;

constexpr std::string_view kSessionHeader = "x-session-id";
constexpr char kHexDigits[] = "0123456789abcdef";

void append(std::string& out, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) out.append(part);
}

/// Appends the fields that `passes` lets through; neighbours, which most are, in one piece.
template <typename Passes>
void append_fields(std::string& out, const std::vector<Field>& fields, Passes&& passes) {
  const char* begin = nullptr;
  const char* end = nullptr;
  for (const Field& field : fields) {
    if (!passes(field)) continue;
    if (end != field.line.data()) {
      out.append(begin, static_cast<std::size_t>(end - begin));
      begin = field.line.data();
    }
    end = field.line.data() + field.line.size();
  }
  out.append(begin, static_cast<std::size_t>(end - begin));
}

/// A client's word that the gateway would seem to vouch for.
bool is_forged(const Field& field, const Route& route) {
  if (field.known == Name::forwarded) return true;
  const bool is_session_place = route.session.kind == SessionPlace::Kind::header;
  if (is_session_place && http::is_same_name(field.name, route.session.name)) return false;
  return http::is_same_name(field.name, kSessionHeader);
}

/// The path without the prefix and the session; what was cut off is returned.
std::string_view append_target(std::string& out, const http::RequestHead& head, const RequestChange& change) {
  if (!change.route.strips_prefix) {
    append(out, {head.path, head.query});
    return {};
  }
  // The prefix without the '/' at its end, which the rest begins with.
  std::size_t cut = change.route.prefix.size() - 1 + change.session_path_bytes;
  if (cut > head.path.size()) cut = head.path.size();
  const std::string_view rest = head.path.substr(cut);
  append(out, {rest.empty() ? "/" : rest, head.query});
  return head.path.substr(0, cut);
}

void append_forwarded(std::string& out, std::string_view host, const RequestChange& change,
                      std::string_view cut_prefix) {
  if (!change.client.ip.empty()) append(out, {"X-Forwarded-For: ", change.client.ip, "\r\n"});
  append(out, {"X-Forwarded-Proto: http\r\n"});
  if (!host.empty()) append(out, {"X-Forwarded-Host: ", host, "\r\n"});
  if (!cut_prefix.empty()) append(out, {"X-Forwarded-Prefix: ", cut_prefix, "\r\n"});
  append(out, {"Forwarded: for=", change.client.forwarded_for});
  if (!host.empty()) append(out, {";host=\"", host, "\""});
  append(out, {";proto=http\r\nX-Request-ID: ", change.request_id, "\r\n"});
}

}  // namespace

ClientAddress client_address(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char text[INET6_ADDRSTRLEN] = "";
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {"", "unknown"};
  if (address.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
    return {text, text};
  }
  if (address.ss_family != AF_INET6) return {"", "unknown"};
  const in6_addr& ip = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&ip)) {
    inet_ntop(AF_INET, ip.s6_addr + 12, text, sizeof text);
    return {text, text};
  }
  inet_ntop(AF_INET6, &ip, text, sizeof text);
  return {text, "\"[" + std::string(text) + "]\""};
}

bool asks_for_upgrade(const http::RequestHead& head) {
  // HTTP/2 in clear text would carry requests past what is checked and dropped here.
  return head.connection.upgrade && !head.upgrade.empty() && head.minor_version == 1 &&
         !http::equals_ignoring_case(head.upgrade, "h2c");
}

void append_request(std::string& out, const http::RequestHead& head, const RequestChange& change) {
  append(out, {head.method, " "});
  const std::string_view cut = append_target(out, head, change);
  append(out, {" HTTP/1.1\r\n"});
  const bool is_old = head.minor_version == 0;
  const std::string_view host = head.host.empty() ? head.authority : head.host;
  if (head.host.empty()) append(out, {"Host: ", host, "\r\n"});
  append_fields(out, head.fields, [&](const Field& field) {
    return !head.is_hop_by_hop(field) && !is_forged(field, change.route) &&
           !(is_old && field.known == Name::expect);
  });
  append_forwarded(out, host, change, cut);
  if (asks_for_upgrade(head)) append(out, {"Connection: Upgrade\r\nUpgrade: ", head.upgrade, "\r\n"});
  append(out, {"\r\n"});
}

void append_answer(std::string& out, const http::AnswerHead& head, const AnswerChange& change) {
  const char status[] = {static_cast<char>('0' + head.status / 100),
                         static_cast<char>('0' + head.status / 10 % 10),
                         static_cast<char>('0' + head.status % 10)};
  append(out, {"HTTP/1.1 ", {status, sizeof status}, " ", head.reason, "\r\n"});
  append_fields(out, head.fields, [&](const Field& field) {
    if (field.known == Name::transfer_encoding) return !change.is_chunked_no_more && !change.has_no_body;
    if (field.known == Name::content_length) return !change.has_no_body;
    return !head.is_hop_by_hop(field);
  });
  if (change.is_chunked_anew) append(out, {"Transfer-Encoding: chunked\r\n"});
  if (head.status == 101) append(out, {"Connection: Upgrade\r\nUpgrade: ", head.upgrade, "\r\n"});
  if (change.closes) append(out, {"Connection: close\r\n"});
  if (change.says_keep_alive) append(out, {"Connection: keep-alive\r\n"});
  append(out, {change.cookie, "\r\n"});
}

RequestIds::RequestIds() {
  unsigned char bytes[8];
  randombytes_buf(bytes, sizeof bytes);
  for (std::size_t i = 0; i < sizeof bytes; ++i) {
    text_[2 * i] = kHexDigits[bytes[i] >> 4];
    text_[2 * i + 1] = kHexDigits[bytes[i] & 15];
  }
}

std::string_view RequestIds::next() {
  std::uint64_t rest = count_++;
  for (std::size_t i = sizeof text_; i > 16; rest >>= 4) text_[--i] = kHexDigits[rest & 15];
  return {text_, sizeof text_};
}

}  // namespace herd::gateway
