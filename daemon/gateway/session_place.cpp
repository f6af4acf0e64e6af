#include "daemon/gateway/session_place.hpp"

#include "daemon/gateway/http/characters.hpp"
#include "protocol/control/routes.hpp"

namespace herd::gateway {
namespace {

using Found = NamedSession::Found;

NamedSession checked(std::string_view name) {
  return {protocol::is_session_name(name) ? Found::yes : Found::bad_name, name};
}

NamedSession decoded(std::string_view written, std::string& text) {
  if (written.find('%') == std::string_view::npos) return checked(written);
  auto name = protocol::percent_decode(written);
  if (!name) return {Found::bad_name};
  text = std::move(*name);
  return checked(text);
}

NamedSession in_header(const Route& route, const http::RequestHead& head) {
  NamedSession session;
  for (const http::Field& field : head.fields) {
    if (!http::is_same_name(field.name, route.session.name)) continue;
    if (session.found != Found::none) return {Found::several};
    session = checked(field.value);
  }
  return session;
}

/// Who sets a cookie that the gateway does not issue vouches for it. Several of one name are no mistake of
/// the client's: they may be set for several paths.
NamedSession in_cookie(const Route& route, const http::RequestHead& head, const CookieKey& key) {
  for (const http::Field& field : head.fields) {
    if (field.known != http::Name::cookie) continue;
    std::string_view rest = field.value;
    while (const auto value = next_cookie(rest, route.session.name)) {
      if (!route.session.issues) return checked(*value);
      const auto name = key.verify(route.pool, *value);
      if (name && protocol::is_session_name(*name)) return {Found::yes, *name};
    }
  }
  return {};
}

NamedSession in_path(const Route& route, const http::RequestHead& head, std::string& text) {
  if (head.path.size() <= route.prefix.size()) return {};
  const std::string_view rest = head.path.substr(route.prefix.size());
  const std::string_view segment = rest.substr(0, rest.find('/'));
  if (segment.empty()) return {};
  NamedSession session = decoded(segment, text);
  session.path_bytes = segment.size() + 1;
  return session;
}

NamedSession in_query(const Route& route, const http::RequestHead& head, std::string& text) {
  NamedSession session;
  std::string_view rest = head.query.empty() ? head.query : head.query.substr(1);
  const std::string& name = route.session.name;
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    const std::string_view parameter = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (!parameter.starts_with(name) || parameter.size() == name.size() || parameter[name.size()] != '=')
      continue;
    if (session.found != Found::none) return {Found::several};
    session = decoded(parameter.substr(name.size() + 1), text);
  }
  return session;
}

}  // namespace

NamedSession find_session(const Route& route, const http::RequestHead& head, const CookieKey& key,
                          std::string& text) {
  switch (route.session.kind) {
    case SessionPlace::Kind::header:
      return in_header(route, head);
    case SessionPlace::Kind::cookie:
      return in_cookie(route, head, key);
    case SessionPlace::Kind::path:
      return in_path(route, head, text);
    case SessionPlace::Kind::query:
      return in_query(route, head, text);
  }
  return {};
}

}  // namespace herd::gateway
