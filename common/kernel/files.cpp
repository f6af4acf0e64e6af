#include "common/kernel/files.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace herd::kernel {

namespace {

enum class Until { end_of_file, short_read };

Result<std::string> read_at(const std::string& path, std::size_t max, int directory, Until until) {
  UniqueFd fd(openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return fail_errno("open '" + path + "'");
  std::string content;
  std::array<char, 8192> buffer;
  while (true) {
    const ssize_t count = read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read '" + path + "'");
    if (count == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(count));
    if (content.size() > max) return fail_errno("read '" + path + "'", EFBIG);
    if (until == Until::short_read && static_cast<std::size_t>(count) < buffer.size()) return content;
  }
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t max, int directory) {
  return read_at(path, max, directory, Until::end_of_file);
}

Result<std::string> read_record(const std::string& path, int directory) {
  constexpr std::size_t kLargest = 1 << 20;  // a status with 65,536 groups has 700 KiB
  return read_at(path, kLargest, directory, Until::short_read);
}

Status write_file(const std::string& path, std::string_view content, int directory) {
  UniqueFd fd(openat(directory, path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return fail_errno("open '" + path + "'");
  const ssize_t count = write(fd.get(), content.data(), content.size());
  if (count < 0) return fail_errno("write '" + std::string(content.substr(0, 64)) + "' to '" + path + "'");
  if (static_cast<std::size_t>(count) != content.size()) return fail_errno("write '" + path + "'", EIO);
  return {};
}

bool read_until_end(int fd, std::chrono::milliseconds limit, std::string& text) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + limit;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd entry{fd, POLLIN, 0};
    const int ready = left <= 0 ? 0 : poll(&entry, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    std::array<char, 4096> buffer;
    const ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count <= 0) return true;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

Status write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t count = write(fd, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("write");
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

/// A rename is on disk once its directory is (fsync(2)).
static Status sync_directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  UniqueFd fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno("open '" + directory + "'");
  if (fsync(fd.get()) != 0) return fail_errno("sync '" + directory + "'");
  return {};
}

Status replace_file(const std::string& path, std::string_view content, mode_t mode) {
  const std::string fresh = path + ".new";
  UniqueFd fd(open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) return fail_errno("create '" + fresh + "'");
  // The umask, or what a crash left there, may have given it another.
  if (fchmod(fd.get(), mode) != 0) return fail_errno("chmod '" + fresh + "'");
  if (auto written = write_all(fd.get(), content); !written)
    return fail_in("'" + fresh + "'", written.error());
  if (fsync(fd.get()) != 0) return fail_errno("sync '" + fresh + "'");
  if (rename(fresh.c_str(), path.c_str()) != 0) return fail_errno("rename '" + fresh + "' to '" + path + "'");
  return sync_directory_of(path);
}

Status make_directories(const std::string& path, mode_t mode) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (!part.empty() && mkdir(part.c_str(), mode) != 0 && errno != EEXIST)
      return fail_errno("create directory '" + part + "'");
    if (end == std::string::npos) break;
  }
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return fail_errno("stat '" + path + "'");
  if (!S_ISDIR(info.st_mode)) return fail_errno("'" + path + "'", ENOTDIR);
  return {};
}

}  // namespace herd::kernel
