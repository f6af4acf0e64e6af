// What an ELF program or library asks its loader for (elf(5), ld.so(8)).
#pragma once

#include <string>
#include <vector>

#include "common/error.hpp"

namespace herd::exec {

struct ElfNeeds {
  std::string interpreter;             // the loader; empty: none is needed
  std::vector<std::string> libraries;  // DT_NEEDED: names, or paths
  std::vector<std::string> rpath;      // DT_RPATH, or empty where there is DT_RUNPATH; $ORIGIN as it stands
  std::vector<std::string> runpath;    // DT_RUNPATH
};

/// Of the 64-bit file at `fd`, which is read with pread(2). The file may be anybody's: no offset in it is
/// trusted. ENOEXEC: it is no such file.
Result<ElfNeeds> read_elf(int fd);

}  // namespace herd::exec
