#include "protocol/gateway/settings.hpp"

#include "protocol/gateway/json.hpp"

namespace herd::gateway {
namespace {

Json json_of(const std::optional<Milliseconds>& time) {
  return time ? Json(time->count()) : Json(nullptr);
}

std::optional<Milliseconds> optional_time(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return Milliseconds(json.get<std::int64_t>());
}

Milliseconds time_of(const Json& json) {
  return Milliseconds(json.get<std::int64_t>());
}

Json json_of(const Route& route) {
  return {{"pool", route.pool},
          {"prefix", route.prefix},
          {"host", route.host},
          {"session",
           {{"kind", static_cast<int>(route.session.kind)},
            {"name", route.session.name},
            {"issues", route.session.issues}}},
          {"creates", route.creates},
          {"strips_prefix", route.strips_prefix},
          {"request_timeout", json_of(route.request_timeout)},
          {"tunnel_idle_timeout", json_of(route.tunnel_idle_timeout)},
          {"answer_timeout", route.answer_timeout.count()},
          {"hold", route.hold.count()}};
}

Route route_of(const Json& json) {
  const Json& session = json.at("session");
  Route route;
  route.pool = json.at("pool");
  route.prefix = json.at("prefix");
  route.host = json.at("host");
  route.session = {static_cast<SessionPlace::Kind>(session.at("kind").get<int>()), session.at("name"),
                   session.at("issues")};
  route.creates = json.at("creates");
  route.strips_prefix = json.at("strips_prefix");
  route.request_timeout = optional_time(json.at("request_timeout"));
  route.tunnel_idle_timeout = optional_time(json.at("tunnel_idle_timeout"));
  route.answer_timeout = time_of(json.at("answer_timeout"));
  route.hold = time_of(json.at("hold"));
  return route;
}

Json json_of(const Limits& limits) {
  return {{"header_bytes", limits.header_bytes},
          {"headers", limits.headers},
          {"header_timeout", limits.header_timeout.count()},
          {"body_timeout", limits.body_timeout.count()},
          {"keep_alive_timeout", limits.keep_alive_timeout.count()},
          {"connect_timeout", limits.connect_timeout.count()},
          {"connections", limits.connections},
          {"connections_of_address", limits.connections_of_address},
          {"idle_connections", limits.idle_connections}};
}

Limits limits_of(const Json& json) {
  return {.header_bytes = json.at("header_bytes"),
          .headers = json.at("headers"),
          .header_timeout = time_of(json.at("header_timeout")),
          .body_timeout = time_of(json.at("body_timeout")),
          .keep_alive_timeout = time_of(json.at("keep_alive_timeout")),
          .connect_timeout = time_of(json.at("connect_timeout")),
          .connections = json.at("connections"),
          .connections_of_address = json.at("connections_of_address"),
          .idle_connections = json.at("idle_connections")};
}

}  // namespace

std::string to_json(const Settings& settings) {
  Json routes = Json::array();
  for (const Route& route : settings.routes) routes.push_back(json_of(route));
  return dump({{"routes", std::move(routes)},
               {"limits", json_of(settings.limits)},
               {"threads", settings.threads},
               {"cookie_key", settings.cookie_key}});
}

Result<Settings> parse_settings(const std::string& text) {
  return read_guarded("gateway's settings", [&] {
    const Json json = Json::parse(text);
    Settings settings;
    for (const Json& route : json.at("routes")) settings.routes.push_back(route_of(route));
    settings.limits = limits_of(json.at("limits"));
    settings.threads = json.at("threads");
    settings.cookie_key = json.at("cookie_key");
    return settings;
  });
}

}  // namespace herd::gateway
