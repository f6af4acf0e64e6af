// Reads config files that only root or the daemon's user can have written: whoever can change one decides
// what runs as which user. All is checked on the opened descriptor, so nothing can be swapped in between.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::config {

/// Whose files are trusted: root's and the daemon's user's.
struct Owners {
  std::uint32_t daemon_uid = 0;
  std::optional<std::uint32_t> unmapped_uid;  // a number that may stand for anybody (HostFacts)
};

/// The whole file; `directory` as in openat(2). A symlink is followed: what it leads to is checked.
Result<std::string> read_config_file(int directory, const std::string& name, const Owners& owners);

Result<UniqueFd> open_config_directory(const std::string& path, const Owners& owners);

/// The names that end in ".json", sorted; hidden ones (editors' leftovers) are not config.
Result<std::vector<std::string>> list_config_files(const UniqueFd& directory);

}  // namespace herd::config
