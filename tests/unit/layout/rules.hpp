// Which folder may include what. A change here is a change of the architecture (docs/architecture.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace herd::layout {

struct Folder {
  std::string_view path;
  std::vector<std::string_view> folders;  // of herd's own, besides itself; each stands above it in the table
  std::vector<std::string_view>
      libraries;            // first parts of what may stand in <...>, besides the standard library
  bool uses_system = true;  // libc's and the kernel's headers
};

/// One include that is allowed although its folder's row says no.
struct Exception {
  std::string_view file, include, reason;
};

const std::vector<Folder>& folders();
const std::vector<Exception>& exceptions();

/// What is wrong with this line of this file, both as the repository names them; empty: nothing.
std::optional<std::string> problem_with(std::string_view file, std::string_view line);

}  // namespace herd::layout
