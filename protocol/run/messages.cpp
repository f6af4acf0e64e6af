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

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Request, pool, command, is_terminal, terminal_type)
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

}  // namespace herd::run
