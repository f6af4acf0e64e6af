#include "protocol/run/messages.hpp"

#include <nlohmann/json.hpp>

namespace herd::run {
namespace {

using Json = nlohmann::json;

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <typename T>
Result<T> parse(const std::string& text) {
  try {
    return Json::parse(text).get<T>();
  } catch (const Json::exception& error) {
    return fail(std::string("run socket: ") + error.what());
  }
}

}  // namespace

static void to_json(Json& json, const Request& request) {
  json = {{"pool", request.pool},
          {"command", request.command},
          {"is_terminal", request.is_terminal},
          {"terminal_type", request.terminal_type}};
  if (request.records) json["records"] = true;
}

static void from_json(const Json& json, Request& request) {
  json.at("pool").get_to(request.pool);
  json.at("command").get_to(request.command);
  json.at("is_terminal").get_to(request.is_terminal);
  json.at("terminal_type").get_to(request.terminal_type);
  request.records = json.contains("records") && json.at("records").get<bool>();
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Caught, command, address, needs_exec)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Answer, started, exit_code, code, message)

std::string socket_path(const std::string& control_path) {
  return control_path + ".run";
}

Result<std::string> to_json(const Request& request) {
  try {
    return Json(request).dump();
  } catch (const Json::type_error&) {
    return fail("the command holds bytes that are not UTF-8");
  }
}
Result<Request> parse_request(const std::string& text) {
  return parse<Request>(text);
}
std::string to_json(const Answer& answer) {
  return dump(Json(answer));
}
Result<Answer> parse_answer(const std::string& text) {
  return parse<Answer>(text);
}
std::string to_json(const Caught& caught) {
  return dump(Json(caught));
}
std::optional<Caught> parse_caught(const std::string& text) {
  auto caught = parse<Caught>(text);
  return caught ? std::optional(std::move(*caught)) : std::nullopt;
}

}  // namespace herd::run
