#include "daemon/exec/mounts.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "daemon/exec/mount_calls.hpp"

namespace herd::exec {
namespace {

constexpr std::uint64_t kNoSuid = MOUNT_ATTR_NOSUID;
constexpr std::uint64_t kData = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
constexpr std::uint64_t kDefaultShmBytes = 64ULL << 20;
constexpr std::uint64_t kRunBytes = 1ULL << 20;

MountOptions tmpfs_options(std::uint64_t bytes, const char* mode) {
  // Without nr_inodes the kernel allows one inode for every two pages of the host's memory.
  const std::uint64_t inodes = std::max<std::uint64_t>(1024, bytes / 4096);
  return {{"size", std::to_string(bytes)}, {"nr_inodes", std::to_string(inodes)}, {"mode", mode}};
}

/// Numbers that never change: Documentation/admin-guide/devices.txt.
struct Device {
  const char* name;
  unsigned major, minor;
};
constexpr Device kDevices[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
                               {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};

/// Builds one tree; each step is a line in `build_root`.
class Builder {
 public:
  explicit Builder(const launch::Plan& plan) : plan_(plan) {}

  /// Before the tree stands over "/": what a link with ".." in it leads to is then still the host's.
  Status clone_sources() {
    host_ = UniqueFd(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!host_) return fail_errno("open '/'");
    HERD_CHECK(make_private(host_.get()));  // nothing crosses, either way
    HERD_TRY(null_, open_inside(host_.get(), "/dev/null"));
    for (const std::string& path : plan_.filesystem.hide) entries_.push_back({path, {}, false});
    for (const std::string& path : plan_.filesystem.read_only) HERD_CHECK(add_bind(path, true));
    for (const std::string& path : plan_.filesystem.writable) HERD_CHECK(add_bind(path, false));
    // Parents first, so that what is said of a path holds whatever is said of those around it.
    std::ranges::stable_sort(entries_, {}, &Entry::path);
    return {};
  }

  Status clone_host() {
    // Read-only means every mount of the tree, not only its top.
    HERD_TRY(tree_, clone_tree(host_.get(), true));
    HERD_CHECK(change_attributes(tree_.get(), MOUNT_ATTR_RDONLY | kNoSuid, 0, true));
    // It has to stand in this namespace before anything can be mounted in it (until Linux 6.15). On top of
    // "/" it hides nothing from `host_`, which names the mount below.
    return attach(tree_.get(), host_.get());
  }

  Status mount_tmp() {
    if (!plan_.filesystem.tmp_bytes) return {};
    return mount_tmpfs("/tmp", *plan_.filesystem.tmp_bytes, "1777", kData);
  }

  /// The host's /run holds sockets that lead out of the sandbox (D-Bus, container engines).
  Status mount_run() { return mount_tmpfs("/run", kRunBytes, "0755", kData | MOUNT_ATTR_NOEXEC); }

  Status mount_dev() {
    // The new /dev must hold the device nodes themselves, so only its own mount is without NODEV.
    HERD_TRY(const UniqueFd dev,
             new_filesystem("tmpfs", tmpfs_options(64 * 1024, "0755"), kNoSuid | MOUNT_ATTR_NOEXEC));
    HERD_CHECK(attach_at(dev.get(), "/dev"));
    const mode_t mask = umask(0);
    for (const Device& device : kDevices) HERD_CHECK(make_device(dev.get(), device));
    umask(mask);
    for (const auto& [link, target] : {std::pair{"fd", "/proc/self/fd"},
                                       {"stdin", "/proc/self/fd/0"},
                                       {"stdout", "/proc/self/fd/1"},
                                       {"stderr", "/proc/self/fd/2"}})
      if (symlinkat(target, dev.get(), link) != 0) return fail_errno(std::string("link '/dev/") + link + "'");
    if (mkdirat(dev.get(), "shm", 0755) != 0) return fail_errno("create '/dev/shm'");
    HERD_CHECK(mount_tmpfs("/dev/shm", plan_.filesystem.tmp_bytes.value_or(kDefaultShmBytes), "1777",
                           kData | MOUNT_ATTR_NOEXEC));
    return change_attributes(dev.get(), MOUNT_ATTR_RDONLY, 0, false);
  }

  Status mount_proc() {
    HERD_TRY(const UniqueFd proc,
             new_filesystem("proc", {{"hidepid", "invisible"}}, kData | MOUNT_ATTR_NOEXEC));
    HERD_CHECK(attach_at(proc.get(), "/proc"));
    for (const char* path : {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"})
      HERD_CHECK(make_read_only(path));
    for (const char* path : {"/proc/kcore", "/proc/keys", "/proc/kmsg", "/proc/timer_list", "/proc/acpi",
                             "/proc/scsi", "/sys/firmware", "/sys/fs/cgroup"})
      HERD_CHECK(hide(path));
    return {};
  }

  Status mount_configured() {
    for (const Entry& entry : entries_) HERD_CHECK(entry.bind ? attach_bind(entry) : hide(entry.path));
    return {};
  }

  /// Covers stay writable until here, as `bind` may have to make directories in them.
  Status seal_covers() {
    for (const UniqueFd& cover : covers_)
      HERD_CHECK(change_attributes(cover.get(), MOUNT_ATTR_RDONLY, 0, false));
    return {};
  }

  UniqueFd take() { return std::move(tree_); }

 private:
  /// One path of the pool file: to be bound, or (no bind) hidden.
  struct Entry {
    std::string path;
    UniqueFd bind;  // detached
    bool is_directory = false;
  };

  Status attach_at(int mount_fd, const std::string& path) {
    auto target = open_inside(tree_.get(), path);
    if (!target) return fail_in("mount at", target.error());
    if (auto attached = attach(mount_fd, target->get()); !attached)
      return fail_in("mount at '" + path + "'", attached.error());
    return {};
  }

  Status mount_tmpfs(const std::string& path, std::uint64_t bytes, const char* mode,
                     std::uint64_t attributes) {
    HERD_TRY(const UniqueFd mount, new_filesystem("tmpfs", tmpfs_options(bytes, mode), attributes));
    return attach_at(mount.get(), path);
  }

  /// A node is made in a tenth of the time of a bind mount, but a user namespace may not make one.
  Status make_device(int dev, const Device& device) {
    if (mknodat(dev, device.name, S_IFCHR | 0666, makedev(device.major, device.minor)) == 0) return {};
    return errno == EPERM ? bind_device(dev, device.name)
                          : fail_errno(std::string("create '/dev/") + device.name + "'");
  }

  Status bind_device(int dev, const std::string& node) {
    HERD_TRY(const UniqueFd source, open_inside(host_.get(), "/dev/" + node));
    struct stat info {};
    if (fstat(source.get(), &info) != 0) return fail_errno("stat '/dev/" + node + "'");
    if (!S_ISCHR(info.st_mode)) return fail("the host's '/dev/" + node + "' is not a device");
    HERD_TRY(const UniqueFd clone, clone_tree(source.get(), false));
    HERD_CHECK(change_attributes(clone.get(), MOUNT_ATTR_RDONLY | kNoSuid | MOUNT_ATTR_NOEXEC, 0, false));
    const UniqueFd point(openat(dev, node.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644));
    if (!point) return fail_errno("create '/dev/" + node + "'");
    return attach(clone.get(), point.get());
  }

  /// A part that this kernel does not have needs no cover.
  Status make_read_only(const std::string& path) {
    auto target = open_inside(tree_.get(), path);
    if (!target)
      return target.error().errno_value == ENOENT ? Status{} : fail_in("make read-only", target.error());
    HERD_TRY(const UniqueFd clone, clone_tree(target->get(), true));
    HERD_CHECK(change_attributes(clone.get(), MOUNT_ATTR_RDONLY | kData | MOUNT_ATTR_NOEXEC, 0, true));
    return attach(clone.get(), target->get());
  }

  /// An empty directory over a directory, the null device over a file; what isn't there needs no cover.
  Status hide(const std::string& path) {
    auto target = open_inside(tree_.get(), path);
    if (!target) return target.error().errno_value == ENOENT ? Status{} : fail_in("hide", target.error());
    struct stat info {};
    if (fstat(target->get(), &info) != 0) return fail_errno("stat '" + path + "'");
    auto cover = S_ISDIR(info.st_mode) ? cover_directory(path) : clone_tree(null_.get(), false);
    if (!cover) return fail_in("hide '" + path + "'", cover.error());
    if (!S_ISDIR(info.st_mode))
      HERD_CHECK(change_attributes(cover->get(), MOUNT_ATTR_RDONLY | kNoSuid | MOUNT_ATTR_NOEXEC, 0, false));
    if (auto attached = attach(cover->get(), target->get()); !attached)
      return fail_in("hide '" + path + "'", attached.error());
    if (S_ISDIR(info.st_mode)) covers_.push_back(std::move(*cover));
    return {};
  }

  /// One empty filesystem covers all directories, but for those in which a bind needs a place to be made.
  Result<UniqueFd> cover_directory(const std::string& path) {
    const bool has_bind_below = std::ranges::any_of(
        entries_, [&](const Entry& entry) { return entry.bind && entry.path.starts_with(path + "/"); });
    if (!has_bind_below && shared_cover_) return clone_tree(covers_[*shared_cover_].get(), false);
    if (!has_bind_below) shared_cover_ = covers_.size();
    return new_filesystem("tmpfs", tmpfs_options(64 * 1024, "0755"), kData | MOUNT_ATTR_NOEXEC);
  }

  Status add_bind(const std::string& path, bool read_only) {
    const std::string what = (read_only ? "read_only '" : "writable '") + path + "'";
    auto source = open_inside(host_.get(), path);
    if (!source) return fail_in(what, source.error());
    struct stat info {};
    if (fstat(source->get(), &info) != 0) return fail_errno(what);
    auto clone = clone_tree(source->get(), true);
    if (!clone) return fail_in(what, clone.error());
    HERD_CHECK(change_attributes(clone->get(), kData | (read_only ? MOUNT_ATTR_RDONLY : 0), 0, true));
    entries_.push_back({path, std::move(*clone), S_ISDIR(info.st_mode)});
    return {};
  }

  Status attach_bind(const Entry& entry) {
    auto target = open_or_make(entry.path, entry.is_directory);
    if (!target) return fail_in("mount at '" + entry.path + "'", target.error());
    if (auto attached = attach(entry.bind.get(), target->get()); !attached)
      return fail_in("mount at '" + entry.path + "'", attached.error());
    return {};
  }

  /// The place to bind at: it is missing where a cover hides its parent, and is then made in that cover.
  Result<UniqueFd> open_or_make(const std::string& path, bool is_directory) {
    auto found = open_inside(tree_.get(), path);
    if (found || found.error().errno_value != ENOENT) return found;
    const std::size_t slash = path.rfind('/');
    HERD_TRY(const UniqueFd parent, open_or_make(slash == 0 ? "/" : path.substr(0, slash), true));
    const std::string leaf = path.substr(slash + 1);
    if (is_directory) {
      if (mkdirat(parent.get(), leaf.c_str(), 0755) != 0) return fail_errno("create '" + path + "'");
    } else if (mknodat(parent.get(), leaf.c_str(), S_IFREG | 0644, 0) != 0) {
      return fail_errno("create '" + path + "'");
    }
    return open_inside(tree_.get(), path);
  }

  const launch::Plan& plan_;
  UniqueFd host_, null_, tree_;
  std::vector<Entry> entries_;
  std::vector<UniqueFd> covers_;
  std::optional<std::size_t> shared_cover_;  // which of them
};

}  // namespace

Result<UniqueFd> build_root(const launch::Plan& plan) {
  Builder builder(plan);
  HERD_CHECK(builder.clone_sources());
  HERD_CHECK(builder.clone_host());
  HERD_CHECK(builder.mount_tmp());
  HERD_CHECK(builder.mount_run());
  HERD_CHECK(builder.mount_dev());
  HERD_CHECK(builder.mount_proc());
  HERD_CHECK(builder.mount_configured());
  HERD_CHECK(builder.seal_covers());
  return builder.take();
}

Status enter_root(const UniqueFd& tree) {
  if (fchdir(tree.get()) != 0) return fail_errno("enter the new root");
  // pivot_root(".", ".") stacks the old root on the new one (pivot_root(2)): then it can be detached as ".".
  if (syscall(SYS_pivot_root, ".", ".") != 0) return fail_errno("pivot_root");
  if (umount2(".", MNT_DETACH) != 0) return fail_errno("detach the old root");
  if (chdir("/") != 0) return fail_errno("chdir '/'");
  return {};
}

}  // namespace herd::exec
