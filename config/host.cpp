#include "config/host.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/error.hpp"
#include "common/kernel/mount_calls.hpp"
#include "common/root_places.hpp"

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

/// What is at `path` below `root`, as if that were "/"; or a sentence.
tl::expected<struct stat, std::string> look_at(const std::string& root, const std::string& path) {
  const auto unreadable = [](int error) -> tl::unexpected<std::string> {
    if (error == ENOENT || error == ENOTDIR) return tl::make_unexpected(std::string("does not exist"));
    return tl::make_unexpected("can't be examined: " + fail_errno("stat", error).value().message);
  };
  struct stat status {};
  if (root == "/") {
    if (::stat(path.c_str(), &status) != 0) return unreadable(errno);
    return status;
  }
  const UniqueFd directory(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return unreadable(errno);
  const auto file = kernel::open_inside(directory.get(), path);
  if (!file) return unreadable(file.error().errno_value);
  if (::fstat(file->get(), &status) != 0) return unreadable(errno);
  return status;
}

// By mode, not by access(2): to root every file with any x bit is executable anyway, and the worker is
// another user.
std::optional<std::string> program_problem(const std::string& root, const std::string& path) {
  const auto status = look_at(root, path);
  if (!status) return status.error();
  if (S_ISDIR(status->st_mode)) return "is a directory";
  if (!S_ISREG(status->st_mode)) return "is not a regular file";
  if ((status->st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0) return "is not executable";
  return std::nullopt;
}

std::optional<std::string> root_problem(const std::string& path) {
  const auto status = look_at("/", path);
  if (!status) return status.error();
  if (!S_ISDIR(status->st_mode)) return "is not a directory";
  for (const char* place : kRootPlaces) {
    struct stat below {};
    if (::lstat((path + "/" + place).c_str(), &below) != 0 || !S_ISDIR(below.st_mode))
      return "has no directory \"" + std::string(place) +
             "\" for the worker's own to be mounted on: make dev, proc, run and tmp in it";
  }
  return std::nullopt;
}

}  // namespace

HostFacts real_host() {
  HostFacts facts;
  facts.uid_of = uid_of;
  facts.gid_of = gid_of;
  facts.program_problem = program_problem;
  facts.root_problem = root_problem;
  facts.daemon_uid = static_cast<std::uint32_t>(::geteuid());
  facts.paths = default_paths();
  return facts;
}

}  // namespace herd::config
