#include "protocol/control/messages.hpp"

namespace herd::protocol {
namespace {

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

Json to_json(const Refusal& refusal) {
  return {{"error",
           {{"code", refusal.code},
            {"message", refusal.message},
            {"hint", text_or_null(refusal.hint)},
            {"pool", text_or_null(refusal.pool)}}}};
}

std::optional<Refusal> refusal_from(const Json& body) {
  if (!body.is_object()) return std::nullopt;
  const auto error = body.find("error");
  if (error == body.end() || !error->is_object()) return std::nullopt;
  return Refusal{text_of(*error, "code"), text_of(*error, "message"), text_of(*error, "hint"),
                 text_of(*error, "pool")};
}

std::string dump_line(const Json& json) {
  std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  line += '\n';
  return line;
}

}  // namespace herd::protocol
