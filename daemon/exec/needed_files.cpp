#include "daemon/exec/needed_files.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <set>

#include "common/kernel/files.hpp"
#include "common/kernel/path_walk.hpp"
#include "common/text.hpp"
#include "daemon/exec/elf.hpp"
#include "daemon/exec/loader_cache.hpp"

namespace herd::exec {
namespace {

constexpr const char* kCachePath = "/etc/ld.so.cache";
constexpr std::size_t kMaxCache = 16 << 20;
constexpr int kMostInterpreters = 5;          // as execve(2): a script's may be a script
constexpr std::size_t kLongestShebang = 255;  // BINPRM_BUF_SIZE, Linux 5.1
constexpr std::size_t kMostLibraries = 1024, kMostDirectories = 256;

#if defined(__x86_64__)
constexpr const char* kTriplet = "x86_64-linux-gnu";
constexpr const char* kMuslPath = "/etc/ld-musl-x86_64.path";
#elif defined(__aarch64__)
constexpr const char* kTriplet = "aarch64-linux-gnu";
constexpr const char* kMuslPath = "/etc/ld-musl-aarch64.path";
#endif

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

/// Its files are no files: reading one asks the kernel to do something.
bool is_the_kernels(long type) {
  constexpr long kTypes[] = {PROC_SUPER_MAGIC,    SYSFS_MAGIC,    DEBUGFS_MAGIC, TRACEFS_MAGIC,
                             SECURITYFS_MAGIC,    PSTOREFS_MAGIC, BPF_FS_MAGIC,  CGROUP_SUPER_MAGIC,
                             CGROUP2_SUPER_MAGIC, EFIVARFS_MAGIC};
  return std::ranges::find(kTypes, type) != std::end(kTypes);
}

bool is_missing(const Error& error) {
  return error.errno_value == ENOENT || error.errno_value == ENOTDIR || error.errno_value == EISDIR;
}

class Search {
 public:
  Search(int root, const std::vector<std::string>& library_path) : root_(root), library_path_(library_path) {}

  Result<std::vector<std::string>> run(const std::string& program) {
    HERD_CHECK(add_program(program, 0));
    return std::vector<std::string>(found_.begin(), found_.end());
  }

 private:
  struct Object {
    std::string path;
    ElfNeeds needs;
    std::vector<std::string> rpath;  // its own and that of those that brought it in (ld.so(8))
  };

  Status add_program(const std::string& program, int depth) {
    if (depth > kMostInterpreters) return fail_errno("'" + program + "'", ELOOP);
    auto file = open_file(program);
    if (!file) return fail_in("'" + program + "'", file.error());
    found_.insert(program);
    char start[kLongestShebang];
    const ssize_t count = pread(file->get(), start, sizeof start, 0);
    if (count < 0) return fail_errno("read '" + program + "'");
    const std::string_view head(start, static_cast<std::size_t>(count));
    if (head.starts_with("#!")) return add_interpreter(head, program, depth);
    auto needs = read_elf(file->get());
    if (!needs) return fail_in("'" + program + "'", needs.error());
    return add_libraries(program, std::move(*needs));
  }

  Status add_interpreter(std::string_view head, const std::string& script, int depth) {
    const std::size_t begin = head.find_first_not_of(" \t", 2);
    const std::size_t end = head.find_first_of(" \t\n", begin);
    if (begin == std::string_view::npos || end == std::string_view::npos || head[begin] != '/')
      return fail("'" + script + "': its first line names no interpreter by an absolute path");
    return add_program(std::string(head.substr(begin, end - begin)), depth + 1);
  }

  Status add_libraries(const std::string& program, ElfNeeds needs) {
    if (needs.interpreter.empty()) return {};
    interpreter_ = needs.interpreter;
    // Nothing but programs and libraries may get into the root by what a file asks for: whoever wrote it
    // would choose what all workers see.
    auto loader = open_file(interpreter_).and_then([](const UniqueFd& file) { return read_elf(file.get()); });
    if (!loader) return fail_in("the loader '" + interpreter_ + "' of '" + program + "'", loader.error());
    found_.insert(interpreter_);
    HERD_CHECK(find_default_directories());
    std::deque<Object> objects;
    // The kernel tells the loader where the program really is (/proc/self/exe).
    HERD_TRY(const kernel::Walked itself, kernel::walk_inside(root_, program, kernel::Links::all));
    std::vector<std::string> rpath = expanded(needs.rpath, itself.path);
    objects.push_back({itself.path, std::move(needs), std::move(rpath)});
    // Breadth first, as the loader does: the first object with a name is the one for all.
    while (!objects.empty()) {
      const Object object = std::move(objects.front());
      objects.pop_front();
      for (const std::string& name : object.needs.libraries) HERD_CHECK(add_library(name, object, objects));
    }
    return {};
  }

  Status add_library(const std::string& name, const Object& wanted_by, std::deque<Object>& objects) {
    if (is_loaders_own(name) || !names_.insert(name).second) return {};
    if (names_.size() > kMostLibraries) return fail("'" + wanted_by.path + "' needs too many libraries");
    HERD_TRY(const std::vector<std::string> places, places_of(name, wanted_by));
    bool is_there = false;
    for (const std::string& place : places) {
      auto file = open_file(place);
      if (!file && is_missing(file.error())) continue;
      if (!file) return fail_in("'" + place + "'", file.error());
      auto needs = read_elf(file->get());
      if (!needs) continue;  // the loader goes on as well
      is_there = true;
      found_.insert(place);
      std::vector<std::string> rpath = expanded(needs->rpath, place);
      rpath.insert(rpath.end(), wanted_by.rpath.begin(), wanted_by.rpath.end());
      if (rpath.size() > kMostDirectories)
        return fail("'" + place + "' has its libraries looked for in too many directories");
      objects.push_back({place, std::move(*needs), std::move(rpath)});
      if (!is_cached(name, place)) break;
    }
    if (is_there) return {};
    return fail("'" + wanted_by.path + "' needs the library '" + name +
                "', which is nowhere that its loader looks (ld.so(8))");
  }

  /// In the loader's order. Of those in the cache each may be taken.
  Result<std::vector<std::string>> places_of(const std::string& name, const Object& wanted_by) {
    if (name.find('/') != std::string::npos) {
      if (name.starts_with('/')) return std::vector{name};
      return fail("'" + wanted_by.path + "' needs the library '" + name + "', a path that is not absolute");
    }
    std::vector<std::string> places;
    const auto add = [&](const std::vector<std::string>& directories) {
      for (const std::string& directory : directories) places.push_back(directory + "/" + name);
    };
    if (wanted_by.needs.runpath.empty()) add(wanted_by.rpath);
    add(library_path_);
    add(expanded(wanted_by.needs.runpath, wanted_by.path));
    if (const auto cached = cache_.find(name); cached != cache_.end())
      places.insert(places.end(), cached->second.begin(), cached->second.end());
    add(default_directories_);
    return places;
  }

  [[nodiscard]] bool is_cached(const std::string& name, const std::string& place) const {
    const auto cached = cache_.find(name);
    return cached != cache_.end() && std::ranges::find(cached->second, place) != cached->second.end();
  }

  [[nodiscard]] bool is_musl() const { return name_of(interpreter_).starts_with("ld-musl-"); }

  /// musl's loader is its C library, under all the names that others give to its parts (ldso/dynlink.c).
  [[nodiscard]] bool is_loaders_own(const std::string& name) const {
    if (name == name_of(interpreter_)) return true;
    constexpr const char* kParts[] = {"libc.",  "libpthread.", "librt.",  "libm.",
                                      "libdl.", "libutil.",    "libxnet."};
    return is_musl() && std::ranges::any_of(kParts, [&](const char* part) { return name.starts_with(part); });
  }

  Status find_default_directories() {
    if (is_musl()) {
      HERD_TRY(std::string list, read_optional(kMuslPath, 4096));
      std::ranges::replace(list, '\n', ':');
      default_directories_ = split(list.empty() ? "/lib:/usr/local/lib:/usr/lib" : list, ':');
      return {};
    }
    HERD_TRY(const std::string cache, read_optional(kCachePath, kMaxCache));
    cache_ = parse_loader_cache(cache);
    for (const std::string& directory :
         {"/lib/" + std::string(kTriplet), "/usr/lib/" + std::string(kTriplet), std::string("/lib64"),
          std::string("/usr/lib64"), std::string("/lib"), std::string("/usr/lib")})
      default_directories_.push_back(directory);
    return {};
  }

  /// A file that the loader reads if it is there.
  Result<std::string> read_optional(const std::string& path, std::size_t max) {
    auto file = open_file(path);
    if (!file) {
      if (is_missing(file.error())) return std::string();
      return fail_in("'" + path + "'", file.error());
    }
    found_.insert(path);
    return kernel::read_file("/proc/self/fd/" + std::to_string(file->get()), max);
  }

  static std::vector<std::string> expanded(std::vector<std::string> directories, const std::string& object) {
    for (std::string& directory : directories)
      for (const char* token : {"${ORIGIN}", "$ORIGIN"}) replace_all(directory, token, directory_of(object));
    return directories;
  }

  /// Only a regular file of a real filesystem: opening or reading another may wait, or do something. And not
  /// one that is leased to somebody (fcntl(2)), who could have this wait.
  [[nodiscard]] Result<UniqueFd> open_file(const std::string& path) const {
    HERD_TRY(const kernel::Walked there, kernel::walk_inside(root_, path, kernel::Links::all));
    const UniqueFd& place = there.fd;
    struct stat info {};
    if (fstat(place.get(), &info) != 0) return fail_errno("stat");
    struct statfs filesystem {};
    if (fstatfs(place.get(), &filesystem) != 0) return fail_errno("statfs");
    if (!S_ISREG(info.st_mode) || is_the_kernels(filesystem.f_type))
      return fail_errno("not a regular file", EISDIR);
    UniqueFd file(open(("/proc/self/fd/" + std::to_string(place.get())).c_str(),
                       O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file) return fail_errno("open");
    return file;
  }

  int root_;
  const std::vector<std::string>& library_path_;
  std::string interpreter_;
  LoaderCache cache_;
  std::vector<std::string> default_directories_;
  std::set<std::string> names_, found_;
};

}  // namespace

Result<std::vector<std::string>> needed_files(int root, const std::string& program,
                                              const std::vector<std::string>& library_path) {
  return Search(root, library_path).run(program);
}

}  // namespace herd::exec
