// All profiles that are built in: those of common/seccomp/presets.hpp, and Docker's default.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "config/profile_file.hpp"

namespace herd::config {

std::vector<std::string> preset_names();
/// The error names the nearest, or all.
Result<seccomp::Profile> find_preset(const std::string& name, const ProfileContext& context);

}  // namespace herd::config
