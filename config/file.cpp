#include "config/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "config/document.hpp"

namespace herd::config {
namespace {

/// `what`: "file" or "directory".
Status check_trusted(const struct stat& status, const Owners& owners, const std::string& what) {
  const std::uint32_t daemon_uid = owners.daemon_uid;
  if (status.st_uid == owners.unmapped_uid) {
    return fail(
        "belongs to the host's root or to another user, which herdd can't tell apart when it runs without "
        "root: the user who starts herdd has to own its config " +
        what + " (give it a copy: chown)");
  }
  if (status.st_uid != 0 && status.st_uid != daemon_uid) {
    return fail("belongs to uid " + std::to_string(status.st_uid) +
                ", expected root or the daemon's user (uid " + std::to_string(daemon_uid) +
                "): change its owner with chown");
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(status.st_mode & 07777));
    return fail("is writable by its group or by others (mode " + std::string(mode) + "), and a config " +
                what + " may be written by its owner alone: chmod go-w");
  }
  return {};
}

}  // namespace

Result<std::string> read_config_file(int directory, const std::string& name, const Owners& owners) {
  // O_NONBLOCK: opening a FIFO must not wait for its other end.
  const UniqueFd file(::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return fail_errno("open");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return fail_errno("fstat");
  if (!S_ISREG(status.st_mode)) return fail("is not a regular file");
  HERD_CHECK(check_trusted(status, owners, "file"));

  // One byte more than allowed tells a file that is too large, also one that grows meanwhile.
  std::string text(kMaxFileSize + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read");
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

Result<UniqueFd> open_config_directory(const std::string& path, const Owners& owners) {
  UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return fail_errno("open");
  struct stat status {};
  if (::fstat(directory.get(), &status) != 0) return fail_errno("fstat");
  HERD_CHECK(check_trusted(status, owners, "directory"));
  return directory;
}

Result<std::vector<std::string>> list_config_files(const UniqueFd& directory) {
  constexpr std::string_view kEnding = ".json";
  // A description of its own: fdopendir takes over both the descriptor and the position.
  UniqueFd own(::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!own) return fail_errno("open");
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(own.get()), ::closedir);
  if (!stream) return fail_errno("fdopendir");
  (void)own.release();

  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name.front() != '.' && name.size() > kEnding.size() &&
        name.substr(name.size() - kEnding.size()) == kEnding)
      names.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) return fail_errno("readdir");
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace herd::config
