// Out of the root, and into what is read-only.
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "tests/testees/escape/attacks.hpp"
#include "tests/testees/support.hpp"

namespace escape {

namespace {

using testee::errno_name;

constexpr int kDeeperThanAnyTree = 64;

/// The mount too: the host's root may well be the same directory of the same filesystem.
bool is_the_root(int fd) {
  struct statx here {
  }, root{};
  ::statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &here);
  ::statx(AT_FDCWD, "/", 0, STATX_INO | STATX_MNT_ID, &root);
  return here.stx_ino == root.stx_ino && here.stx_mnt_id == root.stx_mnt_id;
}

bool leads_out(int directory) {
  for (int i = 0; i < kDeeperThanAnyTree && directory >= 0; ++i)
    directory = ::openat(directory, "..", O_PATH | O_DIRECTORY);
  return directory >= 0 && !is_the_root(directory);
}

std::string climbs_out(const Target&) {
  std::vector<std::string> starts{"/",          ".", "/tmp", "/proc", "/proc/self/root", "/proc/1/root",
                                  "/proc/1/cwd"};
  for (int fd = 0; fd < kDeeperThanAnyTree; ++fd) starts.push_back("/proc/self/fd/" + std::to_string(fd));
  for (const std::string& start : starts) {
    const int directory = ::open(start.c_str(), O_PATH | O_DIRECTORY);
    if (directory >= 0 && leads_out(directory)) return "ok: " + start;
  }
  return "the root";
}

/// As the "Shocker" of 2014 did: a file by its number, whatever the root is.
std::string opens_by_handle(const Target&) {
  union {
    file_handle handle;
    char bytes[sizeof(file_handle) + MAX_HANDLE_SZ];
  } place{};
  place.handle.handle_bytes = MAX_HANDLE_SZ;
  int mount = 0;
  if (::name_to_handle_at(AT_FDCWD, "/", &place.handle, &mount, 0) != 0) return errno_name(errno);
  const int root = ::open("/", O_RDONLY | O_DIRECTORY);
  return testee::outcome(::open_by_handle_at(root, &place.handle, O_RDONLY));
}

/// Whether anything can be changed at the mount point itself. The worker's own are not asked for.
bool is_writable(const std::string& place) {
  struct stat info {};
  if (::stat(place.c_str(), &info) != 0) return false;
  if (!S_ISDIR(info.st_mode)) return S_ISREG(info.st_mode) && ::open(place.c_str(), O_WRONLY) >= 0;
  const std::string file = place + "/herd-escape";
  if (::open(file.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0600) < 0) return false;
  ::unlink(file.c_str());
  return true;
}

std::string writes_each_mount(const Target&) {
  for (const std::string& place : mount_points())
    if (place != "/tmp" && place != "/dev/shm" && place != "/run" && is_writable(place))
      return "ok: " + place;
  return "none";
}

/// nftw(3) hands nothing through.
std::string opened_for_writing;

/// What is covered by the null device is no file, and what nobody may write takes no writes.
int try_to_open(const char* path, const struct stat* info, int type, FTW*) {
  if (type != FTW_F || !S_ISREG(info->st_mode) || (info->st_mode & 0222) == 0) return 0;
  const int fd = ::open(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW);
  if (fd < 0) return 0;
  opened_for_writing = path;
  return 1;
}

/// Opening shows what writing would: nothing is written.
std::string opens_any_below(const char* place) {
  constexpr int kOpenDirectories = 32;
  ::nftw(place, try_to_open, kOpenDirectories, FTW_PHYS);
  return opened_for_writing.empty() ? "none" : "ok: " + opened_for_writing;
}

/// What is the whole host's in /proc: neither a process's own nor a link.
std::string writes_proc(const Target&) {
  DIR* proc = ::opendir("/proc");
  while (const dirent* entry = proc == nullptr ? nullptr : ::readdir(proc)) {
    const std::string name = entry->d_name;
    if (entry->d_type == DT_LNK || name.starts_with(".") || (name[0] >= '0' && name[0] <= '9')) continue;
    const std::string found = opens_any_below(("/proc/" + name).c_str());
    if (found.starts_with("ok")) return found;
  }
  return "none";
}

std::string reads(const char* path) {
  char byte = 0;
  const int fd = ::open(path, O_RDONLY | O_NONBLOCK);
  if (fd < 0) return errno_name(errno);
  const ssize_t count = ::read(fd, &byte, 1);
  return count == 0 ? "empty" : testee::outcome(count);
}

std::string opens_a_terminal(const Target&) {
  for (const char* path :
       {"/dev/tty", "/dev/ptmx", "/dev/pts/ptmx", "/dev/console", "/dev/tty0", "/dev/tty1"})
    if (::open(path, O_RDWR | O_NOCTTY) >= 0) return std::string("ok: ") + path;
  return errno_name(errno);
}

}  // namespace

std::vector<std::string> mount_points() {
  std::vector<std::string> places;
  std::istringstream lines(testee::text_of("/proc/self/mountinfo"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, place;
    fields >> id >> parent >> device >> root >> place;
    places.push_back(place);
  }
  return places;
}

std::vector<Attack> file_attacks() {
  return {{"climb_out", climbs_out},
          {"open_by_handle", opens_by_handle},
          {"write_each_mount", writes_each_mount},
          {"write_proc", writes_proc},
          {"write_sys", [](const Target&) { return opens_any_below("/sys"); }},
          {"read_kcore", [](const Target&) { return reads("/proc/kcore"); }},
          {"read_kmsg", [](const Target&) { return reads("/proc/kmsg"); }},
          {"read_hidden", [](const Target&) { return reads("/root/.profile"); }},
          {"read_kernel_log_device", [](const Target&) { return reads("/dev/kmsg"); }},
          {"read_memory_device", [](const Target&) { return reads("/dev/mem"); }},
          {"open_terminal", opens_a_terminal}};
}

}  // namespace escape
