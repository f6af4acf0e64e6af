#include "tests/testees/escape/memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/testees/support.hpp"

namespace escape {

namespace {

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kMost = 1ULL << 30;  // a worker that is not stopped stops itself
constexpr long kMostFiles = 1'000'000;

struct Taken {
  std::size_t bytes = 0;
  int errno_value = 0;
};

Taken write_until_refused(int fd) {
  const std::vector<char> piece(kPiece, 'x');
  Taken taken;
  if (fd < 0) return {0, errno};
  while (taken.bytes < kMost) {
    const ssize_t count = ::write(fd, piece.data(), piece.size());
    if (count < 0) return {taken.bytes, errno};
    taken.bytes += static_cast<std::size_t>(count);
  }
  return taken;
}

std::string file_name(const std::string& directory, long n) {
  return directory + "/herd-fill-" + std::to_string(n);
}

nlohmann::json make_files(const std::string& directory) {
  long made = 0;
  int errno_value = 0;
  while (made < kMostFiles && errno_value == 0) {
    const int fd = ::open(file_name(directory, made).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) errno_value = errno;
    if (fd >= 0) ++made;
    ::close(fd);
  }
  for (long n = 0; n < made; ++n) ::unlink(file_name(directory, n).c_str());
  return {{"files", made}, {"files_errno", testee::errno_name(errno_value)}};
}

Taken touch_segments() {
  Taken taken;
  while (taken.bytes < kMost) {
    const int id = ::shmget(IPC_PRIVATE, kPiece, IPC_CREAT | 0600);
    void* place = id < 0 ? nullptr : ::shmat(id, nullptr, 0);
    if (id < 0 || place == reinterpret_cast<void*>(-1)) return {taken.bytes, errno};
    std::memset(place, 1, kPiece);
    ::shmdt(place);  // what it holds stays
    taken.bytes += kPiece;
  }
  return taken;
}

nlohmann::json to_json(const Taken& taken) {
  return {{"bytes", taken.bytes}, {"bytes_errno", testee::errno_name(taken.errno_value)}};
}

int new_file(const std::string& directory) {
  return ::open(file_name(directory, 0).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
}

}  // namespace

std::string fill(const std::string& directory) {
  const int fd = new_file(directory);
  auto result = to_json(write_until_refused(fd));
  ::close(fd);
  ::unlink(file_name(directory, 0).c_str());
  result.update(make_files(directory));
  return result.dump();
}

std::string take(const std::string& kind) {
  if (kind == "segment") return to_json(touch_segments()).dump();
  return to_json(write_until_refused(kind == "memfd" ? ::memfd_create("herd", 0) : new_file(kind))).dump();
}

}  // namespace escape
