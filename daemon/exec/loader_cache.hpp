// Where glibc's loader finds a library by its name: /etc/ld.so.cache, which ldconfig(8) writes.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace herd::exec {

/// All places of each library that programs of this machine's own architecture may use. Where a library is
/// there several times, for processors that have more or less, only the loader knows which one it takes.
using LoaderCache = std::map<std::string, std::vector<std::string>>;

/// From the content of the file, in its format since glibc 2.2 (sysdeps/generic/dl-cache.h), which
/// before 2.32 came after the older one; empty if it is in none that is known: then nothing is found through
/// it.
LoaderCache parse_loader_cache(const std::string& content);

}  // namespace herd::exec
