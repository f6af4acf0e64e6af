// The files in profiles/, compiled in.
#pragma once

#include <string_view>

namespace herd::config {

extern const std::string_view kGroupsJson;
/// Docker's default profile as moby/profiles publishes it (commit cd3bed8, 2026-06-30; Apache-2.0).
extern const std::string_view kDockerJson;

}  // namespace herd::config
