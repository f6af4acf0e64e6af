// Whole small files, as /proc, /sys and configuration have them. Paths are relative to a directory fd, or
// AT_FDCWD.
#pragma once

#include <fcntl.h>

#include <chrono>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::kernel {

/// All of a file, at most `max` bytes (more is an error: EFBIG).
Result<std::string> read_file(const std::string& path, std::size_t max = 1 << 20, int directory = AT_FDCWD);
/// One write(2) into an existing file: how cgroup and /proc files want it.
/// For a file of which the kernel makes all at once for a read (seq_file's single_open: /proc/PID/status, the
/// limits of a cgroup): read_file() with half of the calls, as a read that is not full was the last.
Result<std::string> read_record(const std::string& path, int directory = AT_FDCWD);
Status write_file(const std::string& path, std::string_view content, int directory = AT_FDCWD);
/// Writes a new file beside it, syncs and renames: a reader sees the old content or the new, also after a
/// crash. The file has exactly `mode`, whatever the umask.
Status replace_file(const std::string& path, std::string_view content, mode_t mode);
/// Adds all that comes until the end of the pipe or file; false where that is not there within the limit.
bool read_until_end(int fd, std::chrono::milliseconds limit, std::string& text);
Status write_all(int fd, std::string_view content);
/// mkdir -p; directories that it makes get `mode`.
Status make_directories(const std::string& path, mode_t mode);

}  // namespace herd::kernel
