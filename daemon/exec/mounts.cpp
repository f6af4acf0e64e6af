#include "daemon/exec/mounts.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/kernel/mount_calls.hpp"
#include "daemon/exec/base_tree.hpp"

namespace herd::exec {
namespace {

constexpr std::uint64_t kData = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
constexpr std::uint64_t kDefaultShmBytes = 64ULL << 20;
constexpr std::uint64_t kRunBytes = 1ULL << 20;

/// Over a place in the working directory's filesystem, which is a /proc of this process's own: no path leads
/// through a directory that others may rename. The copy has its source's flags.
Status bind_over(const std::string& source, const char* target) {
  if (mount(source.c_str(), target, nullptr, MS_BIND, nullptr) == 0) return {};
  return errno == ENOENT ? Status{} : fail_errno(std::string("cover '/proc/") + target + "'");
}

std::string path_of(const UniqueFd& fd) {
  return "self/fd/" + std::to_string(fd.get());
}

}  // namespace

Status OwnMounts::clone_sources() {
  const UniqueFd host(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!host) return fail_errno("open '/'");
  for (const std::string& path : filesystem_.hide) entries_.push_back({path, {}, false});
  for (const std::string& path : filesystem_.read_only) HERD_CHECK(add_bind(host.get(), path, true));
  for (const std::string& path : filesystem_.writable) HERD_CHECK(add_bind(host.get(), path, false));
  // Parents first, so that what is said of a path holds whatever is said of those around it.
  std::ranges::stable_sort(entries_, {}, &Entry::path);
  return {};
}

Status OwnMounts::add_bind(int host, const std::string& path, bool read_only) {
  const std::string what = (read_only ? "read_only '" : "writable '") + path + "'";
  auto source = kernel::open_inside(host, path);
  if (!source) return fail_in(what, source.error());
  struct stat info {};
  if (fstat(source->get(), &info) != 0) return fail_errno(what);
  auto clone = kernel::clone_tree(source->get(), true);
  if (!clone) return fail_in(what, clone.error());
  HERD_CHECK(kernel::make_private(clone->get()));
  HERD_CHECK(kernel::change_attributes(clone->get(), kData | (read_only ? MOUNT_ATTR_RDONLY : 0), 0, true));
  entries_.push_back({path, std::move(*clone), S_ISDIR(info.st_mode)});
  return {};
}

Status OwnMounts::enter_copy_of(int base_namespace) {
  if (setns(base_namespace, CLONE_NEWNS) != 0) return fail_errno("enter the base tree's namespace");
  if (unshare(CLONE_NEWNS) != 0) return fail_errno("copy the base tree's namespace");
  root_ = UniqueFd(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root_) return fail_errno("open '/'");
  HERD_TRY(cover_, kernel::open_inside(root_.get(), kCover));
  return {};
}

Status OwnMounts::fill() {
  HERD_CHECK(mount_proc());  // first, as it takes its covers from where /run will be
  if (filesystem_.tmp_bytes) HERD_CHECK(mount_tmpfs("/tmp", *filesystem_.tmp_bytes, "1777", kData));
  HERD_CHECK(mount_tmpfs("/run", kRunBytes, "0755", kData | MOUNT_ATTR_NOEXEC));
  HERD_CHECK(mount_tmpfs("/dev/shm", filesystem_.tmp_bytes.value_or(kDefaultShmBytes), "1777",
                         kData | MOUNT_ATTR_NOEXEC));
  return mount_configured();
}

Status OwnMounts::mount_proc() {
  HERD_TRY(const UniqueFd proc, kernel::new_filesystem("proc", {{"hidepid", "invisible"}},
                                                       kData | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY));
  HERD_CHECK(kernel::attach_inside(root_.get(), proc.get(), "/proc"));
  HERD_TRY(const UniqueFd null, kernel::open_inside(root_.get(), "/dev/null"));
  if (fchdir(proc.get()) != 0) return fail_errno("enter '/proc'");
  // Bound onto themselves while all of it is read-only, they stay so.
  for (const char* place : {"sys", "sysrq-trigger", "fs", "irq", "bus", "pressure", "dynamic_debug", "mtrr",
                            "driver", "asound", "latency_stats", "profile"})
    HERD_CHECK(bind_over(place, place));
  for (const char* place : {"kcore", "keys", "kmsg", "timer_list"})
    HERD_CHECK(bind_over(path_of(null), place));
  for (const char* place : {"acpi", "scsi"}) HERD_CHECK(bind_over(path_of(cover_), place));
  if (chdir("/") != 0) return fail_errno("chdir '/'");
  return kernel::change_attributes(proc.get(), 0, MOUNT_ATTR_RDONLY, false);
}

Status OwnMounts::mount_tmpfs(const char* path, std::uint64_t bytes, const char* mode,
                              std::uint64_t attributes) {
  HERD_TRY(const UniqueFd mount,
           kernel::new_filesystem("tmpfs", kernel::tmpfs_options(bytes, mode), attributes));
  return kernel::attach_inside(root_.get(), mount.get(), path);
}

Status OwnMounts::mount_configured() {
  for (const Entry& entry : entries_) HERD_CHECK(entry.bind ? attach_bind(entry) : hide(entry.path));
  for (const UniqueFd& cover : open_covers_)
    HERD_CHECK(kernel::change_attributes(cover.get(), MOUNT_ATTR_RDONLY, 0, false));
  return {};
}

/// An empty directory over a directory, the null device over a file; what isn't there needs no cover.
Status OwnMounts::hide(const std::string& path) {
  auto target = kernel::open_inside(root_.get(), path);
  if (!target) return target.error().errno_value == ENOENT ? Status{} : fail_in("hide", target.error());
  struct stat info {};
  if (fstat(target->get(), &info) != 0) return fail_errno("stat '" + path + "'");
  auto cover = S_ISDIR(info.st_mode)
                   ? cover_directory(path)
                   : kernel::open_inside(root_.get(), "/dev/null").and_then([](const UniqueFd& null) {
                       return kernel::clone_tree(null.get(), false);
                     });
  if (!cover) return fail_in("hide '" + path + "'", cover.error());
  if (auto attached = kernel::attach(cover->get(), target->get()); !attached)
    return fail_in("hide '" + path + "'", attached.error());
  if (S_ISDIR(info.st_mode)) open_covers_.push_back(std::move(*cover));
  return {};
}

/// The base tree's one cover serves all directories, but for those in which a bind needs a place to be made.
Result<UniqueFd> OwnMounts::cover_directory(const std::string& path) {
  const bool has_bind_below = std::ranges::any_of(
      entries_, [&](const Entry& entry) { return entry.bind && entry.path.starts_with(path + "/"); });
  if (!has_bind_below) return kernel::clone_tree(cover_.get(), false);
  return kernel::new_filesystem("tmpfs", kernel::tmpfs_options(64 * 1024, "0755"), kData | MOUNT_ATTR_NOEXEC);
}

Status OwnMounts::attach_bind(const Entry& entry) {
  auto target = open_or_make(entry.path, entry.is_directory);
  if (!target) return fail_in("mount at '" + entry.path + "'", target.error());
  if (auto attached = kernel::attach(entry.bind.get(), target->get()); !attached)
    return fail_in("mount at '" + entry.path + "'", attached.error());
  return {};
}

/// The place to bind at: it is missing where a cover hides its parent, and is then made in that cover.
/// Elsewhere the root is read-only, and belongs to others.
Result<UniqueFd> OwnMounts::open_or_make(const std::string& path, bool is_directory) {
  auto found = kernel::open_inside(root_.get(), path);
  if (found || found.error().errno_value != ENOENT) return found;
  const std::size_t slash = path.rfind('/');
  HERD_TRY(const UniqueFd parent, open_or_make(slash == 0 ? "/" : path.substr(0, slash), true));
  const std::string leaf = path.substr(slash + 1);
  if (is_directory) {
    if (mkdirat(parent.get(), leaf.c_str(), 0755) == 0) return kernel::open_inside(root_.get(), path);
  } else if (mknodat(parent.get(), leaf.c_str(), S_IFREG | 0644, 0) == 0) {
    return kernel::open_inside(root_.get(), path);
  }
  const bool is_read_only = errno == EROFS;
  return fail_errno("create '" + path + "'" + (is_read_only ? " (make it in the root directory)" : ""));
}

}  // namespace herd::exec
