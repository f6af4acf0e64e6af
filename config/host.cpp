#include "config/host.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/error.hpp"

namespace herd::config {
namespace {

constexpr std::size_t kMaxEntry = 1 << 20;  // a group with very many members

/// getpwnam_r and getgrnam_r: the buffer grows until the entry fits.
template <typename Entry, typename Lookup>
std::optional<Entry> look_up(const std::string& name, Lookup lookup, std::vector<char>& buffer) {
  for (buffer.resize(4096); buffer.size() <= kMaxEntry; buffer.resize(buffer.size() * 2)) {
    Entry entry{};
    Entry* found = nullptr;
    const int error = lookup(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (error == ERANGE || error == EINTR) continue;
    if (error != 0 || found == nullptr) return std::nullopt;
    return entry;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> uid_of(const std::string& user) {
  std::vector<char> buffer;
  const auto entry = look_up<passwd>(user, getpwnam_r, buffer);
  return entry ? std::optional<std::uint32_t>(entry->pw_uid) : std::nullopt;
}

std::optional<std::uint32_t> gid_of(const std::string& name) {
  std::vector<char> buffer;
  const auto entry = look_up<::group>(name, getgrnam_r, buffer);
  return entry ? std::optional<std::uint32_t>(entry->gr_gid) : std::nullopt;
}

// By mode, not by access(2): to root every file with any x bit is executable anyway, and the worker is
// another user.
std::optional<std::string> program_problem(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) return "does not exist";
    return "can't be examined: " + fail_errno("stat", error).value().message;
  }
  if (S_ISDIR(status.st_mode)) return "is a directory";
  if (!S_ISREG(status.st_mode)) return "is not a regular file";
  if ((status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0) return "is not executable";
  return std::nullopt;
}

}  // namespace

HostFacts real_host() {
  return {uid_of, gid_of, program_problem, static_cast<std::uint32_t>(::geteuid()), {"worker"}};
}

}  // namespace herd::config
