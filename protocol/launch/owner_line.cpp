#include "protocol/launch/owner_line.hpp"

#include <nlohmann/json.hpp>

namespace herd::launch {
namespace {

using Json = nlohmann::json;

struct Write {
  Json operator()(const Started& m) const {
    return {{"type", "started"}, {"pid", m.pid_inside}, {"landlock", m.landlock_abi}};
  }
  Json operator()(const Failed& m) const {
    return {{"type", "failed"}, {"stage", m.stage}, {"errno", m.errno_value}, {"message", m.message}};
  }
  Json operator()(const NotifiedReady&) const { return {{"type", "ready"}}; }
  Json operator()(const NotifiedStatus& m) const { return {{"type", "status"}, {"text", m.text}}; }
  Json operator()(const NotifyRefused& m) const {
    return {{"type", "notify_refused"}, {"pid", m.pid_inside}};
  }
  Json operator()(const SeccompListener&) const { return {{"type", "seccomp_listener"}}; }
  Json operator()(const Exited& m) const {
    return {{"type", "exited"}, {"code", m.code}, {"signal", m.signal}, {"core", m.core}, {"asked", m.asked}};
  }
  Json operator()(const RelayEnded& m) const {
    return {{"type", "relay_ended"}, {"code", m.code}, {"signal", m.signal}};
  }
  Json operator()(const MadeSocket& m) const {
    return {{"type", "socket"}, {"request", m.request}, {"errno", m.errno_value}};
  }
  Json operator()(const Stop& m) const {
    return {{"type", "stop"}, {"signal", m.signal}, {"grace_ms", m.grace_ms}};
  }
  Json operator()(const MakeSocket& m) const { return {{"type", "make_socket"}, {"request", m.request}}; }
};

Json::other_error unknown_type(const std::string& type) {
  return Json::other_error::create(501, "unknown message type '" + type + "'", nullptr);
}

FromExec read_from_exec(const Json& json) {
  const auto type = json.at("type").get<std::string>();
  if (type == "started") return Started{json.at("pid"), json.at("landlock")};
  if (type == "failed") return Failed{json.at("stage"), json.at("errno"), json.at("message")};
  if (type == "ready") return NotifiedReady{};
  if (type == "status") return NotifiedStatus{json.at("text")};
  if (type == "notify_refused") return NotifyRefused{json.at("pid")};
  if (type == "seccomp_listener") return SeccompListener{};
  if (type == "exited") return Exited{json.at("code"), json.at("signal"), json.at("core"), json.at("asked")};
  if (type == "relay_ended") return RelayEnded{json.at("code"), json.at("signal")};
  if (type == "socket") return MadeSocket{json.at("request"), json.at("errno")};
  throw unknown_type(type);
}

ToExec read_to_exec(const Json& json) {
  const auto type = json.at("type").get<std::string>();
  if (type == "stop") return Stop{json.at("signal"), json.at("grace_ms")};
  if (type == "make_socket") return MakeSocket{json.at("request")};
  throw unknown_type(type);
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <typename Function>
auto guarded(Function&& function) -> Result<decltype(function())> {
  try {
    return function();
  } catch (const Json::exception& error) {
    return fail(std::string("owner's line: ") + error.what());
  }
}

}  // namespace

std::string to_json(const FromExec& message) {
  return dump(std::visit(Write{}, message));
}

Result<FromExec> parse_from_exec(const std::string& text) {
  return guarded([&] { return read_from_exec(Json::parse(text)); });
}

std::string to_json(const ToExec& message) {
  return dump(std::visit(Write{}, message));
}

Result<ToExec> parse_to_exec(const std::string& text) {
  return guarded([&] { return read_to_exec(Json::parse(text)); });
}

}  // namespace herd::launch
