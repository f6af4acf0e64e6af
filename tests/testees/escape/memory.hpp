// Taking all that there is.
#pragma once

#include <string>

namespace escape {

/// Fills a directory's filesystem, first in bytes, then in inodes; both are given back. JSON.
std::string fill(const std::string& directory);

/// Takes memory that is no process's own ("memfd", "segment", or a directory of a tmpfs) until this ends the
/// worker or the kernel refuses. JSON.
std::string take(const std::string& kind);

}  // namespace escape
