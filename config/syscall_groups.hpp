// The @groups of syscalls that herd's own profiles may name.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace herd::config {

/// "@file-system" -> its calls, groups in groups resolved, sorted. Made once; lives as long as the program.
const std::map<std::string, std::vector<std::string>>& syscall_groups();

}  // namespace herd::config
