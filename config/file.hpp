// Reads config files that only root or the daemon's user can have written: whoever can change one decides
// what runs as which user. All is checked on the opened descriptor, so nothing can be swapped in between.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::config {

/// The whole file; `directory` as in openat(2). A symlink is followed: what it leads to is checked.
Result<std::string> read_config_file(int directory, const std::string& name, std::uint32_t daemon_uid);

Result<UniqueFd> open_config_directory(const std::string& path, std::uint32_t daemon_uid);

/// The names that end in ".json", sorted; hidden ones (editors' leftovers) are not config.
Result<std::vector<std::string>> list_config_files(const UniqueFd& directory);

}  // namespace herd::config
