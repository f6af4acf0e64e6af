#include "protocol/gateway/line.hpp"

#include "protocol/gateway/json.hpp"

namespace herd::gateway {
namespace {

constexpr const char* kWhat = "gateway's line";

struct Write {
  Json operator()(const Configure&) const { return {{"type", "configure"}}; }
  Json operator()(const AddListener& m) const { return {{"type", "add_listener"}, {"address", m.address}}; }
  Json operator()(const RemoveListener& m) const {
    return {{"type", "remove_listener"}, {"address", m.address}};
  }
  Json operator()(const Granted& m) const {
    return {{"type", "granted"},
            {"request", m.request},
            {"worker", m.worker},
            {"address", m.address},
            {"created", m.created}};
  }
  Json operator()(const Refused& m) const {
    return {{"type", "refused"},
            {"request", m.request},
            {"status", m.status},
            {"code", m.code},
            {"message", m.message},
            {"hint", m.hint},
            {"retry_after", optional_json(m.retry_after_seconds)}};
  }
  Json operator()(const SessionEnded& m) const {
    return {{"type", "session_ended"}, {"pool", m.pool},     {"session", m.session},
            {"worker", m.worker},      {"reason", m.reason}, {"sentence", m.sentence}};
  }
  Json operator()(const Acquire& m) const {
    return {{"type", "acquire"},
            {"request", m.request},
            {"pool", m.pool},
            {"session", m.session},
            {"creates", m.creates}};
  }
  Json operator()(const Cancel& m) const { return {{"type", "cancel"}, {"request", m.request}}; }
  Json operator()(const Busy& m) const {
    return {{"type", "busy"}, {"pool", m.pool}, {"session", m.session}, {"worker", m.worker}};
  }
  Json operator()(const Idle& m) const {
    return {{"type", "idle"},
            {"pool", m.pool},
            {"session", m.session},
            {"worker", m.worker},
            {"ago", m.ago.count()}};
  }
  Json operator()(const Report&) const { return {{"type", "report"}}; }
};

Json::other_error unknown_type(const std::string& type) {
  return Json::other_error::create(501, "unknown message type '" + type + "'", nullptr);
}

Refused read_refused(const Json& json) {
  Refused refused{json.at("request"), json.at("status"), json.at("code"),
                  json.at("message"), json.at("hint"),   std::nullopt};
  if (const Json& seconds = json.at("retry_after"); !seconds.is_null())
    refused.retry_after_seconds = seconds.get<int>();
  return refused;
}

ToGateway read_to_gateway(const Json& json) {
  const auto type = json.at("type").get<std::string>();
  if (type == "configure") return Configure{};
  if (type == "add_listener") return AddListener{json.at("address")};
  if (type == "remove_listener") return RemoveListener{json.at("address")};
  if (type == "granted")
    return Granted{json.at("request"), json.at("worker"), json.at("address"), json.at("created")};
  if (type == "refused") return read_refused(json);
  if (type == "session_ended")
    return SessionEnded{json.at("pool"), json.at("session"), json.at("worker"), json.at("reason"),
                        json.at("sentence")};
  throw unknown_type(type);
}

FromGateway read_from_gateway(const Json& json) {
  const auto type = json.at("type").get<std::string>();
  if (type == "acquire")
    return Acquire{json.at("request"), json.at("pool"), json.at("session"), json.at("creates")};
  if (type == "cancel") return Cancel{json.at("request")};
  if (type == "busy") return Busy{json.at("pool"), json.at("session"), json.at("worker")};
  if (type == "idle")
    return Idle{json.at("pool"), json.at("session"), json.at("worker"),
                Milliseconds(json.at("ago").get<std::int64_t>())};
  if (type == "report") return Report{};
  throw unknown_type(type);
}

}  // namespace

std::string to_json(const ToGateway& message) {
  return dump(std::visit(Write{}, message));
}

Result<ToGateway> parse_to_gateway(const std::string& text) {
  return read_guarded(kWhat, [&] { return read_to_gateway(Json::parse(text)); });
}

std::string to_json(const FromGateway& message) {
  return dump(std::visit(Write{}, message));
}

Result<FromGateway> parse_from_gateway(const std::string& text) {
  return read_guarded(kWhat, [&] { return read_from_gateway(Json::parse(text)); });
}

}  // namespace herd::gateway
