// How this folder's texts are read and written.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "common/error.hpp"

namespace herd::gateway {

using Json = nlohmann::json;

inline std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <typename Function>
auto read_guarded(const char* what, Function&& function) -> Result<decltype(function())> {
  try {
    return function();
  } catch (const Json::exception& error) {
    return fail(std::string(what) + ": " + error.what());
  }
}

template <typename T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace herd::gateway
