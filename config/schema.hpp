// The field table as JSON Schema (draft 2020-12), for editors and for `herdctl config schema`.
#pragma once

#include <nlohmann/json.hpp>

namespace herd::config {

using Json = nlohmann::json;

Json pool_schema();
Json daemon_schema();

}  // namespace herd::config
