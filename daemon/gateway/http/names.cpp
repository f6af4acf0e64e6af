#include "daemon/gateway/http/names.hpp"

#include "daemon/gateway/http/characters.hpp"

namespace herd::gateway::http {
namespace {

constexpr char folded(char c) {
  return c == '_' ? '-' : lower(c);
}

bool begins_with(std::string_view name, std::string_view lowered) {
  return name.size() >= lowered.size() && is_same_name(name.substr(0, lowered.size()), lowered);
}

}  // namespace

bool is_same_name(std::string_view name, std::string_view lowered) {
  if (name.size() != lowered.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (folded(name[i]) != folded(lowered[i])) return false;
  }
  return true;
}

Name known_name(std::string_view name) {
  const auto is_name = [&](std::string_view lowered) { return is_same_name(name, lowered); };
  switch (folded(name.front())) {
    case 'c':
      if (is_name("connection")) return Name::connection;
      if (is_name("content-length")) return Name::content_length;
      if (is_name("cookie")) return Name::cookie;
      break;
    case 'e':
      if (is_name("expect")) return Name::expect;
      break;
    case 'f':
      if (is_name("forwarded")) return Name::forwarded;
      break;
    case 'h':
      if (is_name("host")) return Name::host;
      break;
    case 'k':
      if (is_name("keep-alive")) return Name::hop_by_hop;
      break;
    case 'p':
      if (is_name("proxy-connection") || is_name("proxy-authorization")) return Name::hop_by_hop;
      break;
    case 't':
      if (is_name("te")) return Name::hop_by_hop;
      if (is_name("transfer-encoding")) return Name::transfer_encoding;
      break;
    case 'u':
      if (is_name("upgrade")) return Name::upgrade;
      break;
    case 'x':
      if (begins_with(name, "x-forwarded-") || begins_with(name, "x-herd-") || is_name("x-request-id"))
        return Name::forwarded;
      break;
    default:
      break;
  }
  return Name::other;
}

}  // namespace herd::gateway::http
