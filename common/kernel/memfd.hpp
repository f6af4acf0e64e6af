// Sealed memory files: what is handed over in one can't change afterwards (memfd_create(2), Linux 3.17).
#pragma once

#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::kernel {

/// Holds `content`, sealed against writing, growing, shrinking and further seals; read offset 0;
/// close-on-exec.
Result<UniqueFd> sealed_memfd(const char* name, std::string_view content);

/// All of it, at most `max` bytes (more is an error: EFBIG).
Result<std::string> read_memfd(int fd, std::size_t max);

/// It is a memory file, and nobody can write to it or make it shorter: to read and to close it never waits,
/// whoever made it.
bool is_sealed(int fd);

/// A sealed copy of the program at `path`, for execveat(2): whoever reaches it through /proc/PID/exe finds it
/// unwritable, and the file on disk out of reach (CVE-2019-5736).
Result<UniqueFd> sealed_program(const std::string& path);

}  // namespace herd::kernel
