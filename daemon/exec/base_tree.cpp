#include "daemon/exec/base_tree.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/kernel/files.hpp"
#include "common/kernel/id_map.hpp"
#include "common/kernel/mount_calls.hpp"
#include "common/root_places.hpp"
#include "daemon/exec/minimal_root.hpp"

namespace herd::exec {
namespace {

constexpr std::uint64_t kCoverBytes = 64 * 1024;
constexpr std::uint64_t kDevBytes = 64 * 1024;
constexpr std::uint64_t kMinimalRootBytes = 1 << 20;

/// Numbers that never change: Documentation/admin-guide/devices.txt.
struct Device {
  const char* name;
  unsigned major, minor;
};
constexpr Device kDevices[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
                               {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};

/// Builds one tree; each step is a line in `build_base_tree`.
class Builder {
 public:
  Status mount_root(const launch::Root& root) {
    host_ = UniqueFd(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!host_) return fail_errno("open '/'");
    HERD_CHECK(kernel::make_private(host_.get()));  // nothing crosses, either way
    switch (root.kind) {
      case launch::RootKind::read_only_host:
        return clone_as_root(host_);
      case launch::RootKind::directory:
        return clone_directory(root.directory);
      case launch::RootKind::minimal:
        break;
    }
    HERD_TRY(tree_, kernel::new_filesystem("tmpfs", kernel::tmpfs_options(kMinimalRootBytes, "0755"),
                                           MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
    HERD_CHECK(stand_over_host());
    HERD_TRY(used_, fill_minimal_root(host_.get(), tree_.get(), root));
    return kernel::change_attributes(tree_.get(), MOUNT_ATTR_RDONLY, 0, false);
  }

  /// In a user namespace the kernel mounts a new /proc only where one is to be seen already, whole
  /// (mount_too_revealing() in fs/namespace.c). The host's tree has it; it lies below the worker's own.
  Status keep_a_proc(const launch::Root& root) {
    if (root.kind == launch::RootKind::read_only_host) return {};
    HERD_TRY(const std::string text, kernel::read_file("/proc/self/uid_map"));
    HERD_TRY(const kernel::IdMap uids, kernel::IdMap::parse(text));
    if (uids.has_all()) return {};
    HERD_TRY(const UniqueFd place, kernel::open_inside(host_.get(), "/proc"));
    HERD_TRY(const UniqueFd proc, kernel::clone_tree(place.get(), true));
    HERD_CHECK(kernel::change_attributes(
        proc.get(), MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0, true));
    return kernel::attach_inside(tree_.get(), proc.get(), "/proc");
  }

  /// What the host has mounted at or below the places that get a filesystem of the worker's own would only
  /// lie hidden there, and be copied for each worker.
  Status leave_out_covered() {
    if (fchdir(tree_.get()) != 0) return fail_errno("enter the new root");
    for (const char* path : {"proc", "dev", "run", "sys/firmware", "sys/fs/cgroup"}) {
      while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;  // mounts may be stacked
      // EINVAL: not, or no longer, a mount; or one that a user namespace may not take away, which is covered
      // then.
      if (errno != EINVAL && errno != ENOENT) return fail_errno(std::string("detach '/") + path + "'");
    }
    return {};
  }

  /// The host's /run holds sockets that lead out of the sandbox (D-Bus, container engines).
  Status mount_cover() {
    HERD_TRY(cover_, kernel::new_filesystem(
                         "tmpfs", kernel::tmpfs_options(kCoverBytes, "0755"),
                         MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    return kernel::attach_inside(tree_.get(), cover_.get(), kCover);
  }

  Status mount_dev() {
    // The new /dev must hold the device nodes themselves, so only its own mount is without NODEV.
    HERD_TRY(const UniqueFd dev, kernel::new_filesystem("tmpfs", kernel::tmpfs_options(kDevBytes, "0755"),
                                                        MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
    HERD_CHECK(kernel::attach_inside(tree_.get(), dev.get(), "/dev"));
    const mode_t mask = umask(0);
    for (const Device& device : kDevices) HERD_CHECK(make_device(dev.get(), device));
    umask(mask);
    for (const auto& [link, target] : {std::pair{"fd", "/proc/self/fd"},
                                       {"stdin", "/proc/self/fd/0"},
                                       {"stdout", "/proc/self/fd/1"},
                                       {"stderr", "/proc/self/fd/2"}})
      if (symlinkat(target, dev.get(), link) != 0) return fail_errno(std::string("link '/dev/") + link + "'");
    if (mkdirat(dev.get(), "shm", 0755) != 0) return fail_errno("create '/dev/shm'");
    return kernel::change_attributes(dev.get(), MOUNT_ATTR_RDONLY, 0, false);
  }

  /// A part that this kernel does not have needs no cover.
  Status mask_sys() {
    for (const char* path : {"/sys/firmware", "/sys/fs/cgroup"}) {
      auto target = kernel::open_inside(tree_.get(), path);
      if (!target && target.error().errno_value == ENOENT) continue;
      if (!target) return fail_in("hide", target.error());
      HERD_TRY(const UniqueFd clone, kernel::clone_tree(cover_.get(), false));
      if (auto attached = kernel::attach(clone.get(), target->get()); !attached)
        return fail_in(std::string("hide '") + path + "'", attached.error());
    }
    return {};
  }

  Status enter() {
    if (fchdir(tree_.get()) != 0) return fail_errno("enter the new root");
    // pivot_root(".", ".") stacks the old root on the new one (pivot_root(2)): then it can be detached as
    // ".".
    if (syscall(SYS_pivot_root, ".", ".") != 0) return fail_errno("pivot_root");
    if (umount2(".", MNT_DETACH) != 0) return fail_errno("detach the old root");
    if (chdir("/") != 0) return fail_errno("chdir '/'");
    return {};
  }

  std::vector<launch::UsedFile> used() && { return std::move(used_); }

 private:
  Status clone_as_root(const UniqueFd& directory) {
    HERD_TRY(tree_, kernel::clone_tree(directory.get(), true));
    // Read-only means every mount of the tree, not only its top; and what it holds of device nodes is no
    // device: read-only does not keep one from being written to.
    HERD_CHECK(kernel::change_attributes(tree_.get(),
                                         MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, true));
    return stand_over_host();
  }

  /// It has to stand in this namespace before anything can be mounted in it (until Linux 6.15). On top of
  /// "/" it hides nothing from `host_`, which names the mount below.
  Status stand_over_host() { return kernel::attach(tree_.get(), host_.get()); }

  Status clone_directory(const std::string& path) {
    const std::string what = "root '" + path + "'";
    auto directory = kernel::open_inside(host_.get(), path);
    if (!directory) return fail_in("root", directory.error());
    struct stat info {};
    if (fstat(directory->get(), &info) != 0) return fail_errno(what);
    if (!S_ISDIR(info.st_mode)) return fail_errno(what, ENOTDIR);
    used_.push_back(launch::used_place(path, info));
    for (const char* place : kRootPlaces)
      if (fstatat(directory->get(), place, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(info.st_mode))
        return fail(what + " has no directory '" + place +
                    "' for the worker's own to be mounted on: make it");
    return clone_as_root(*directory);
  }

  /// A node is made in a tenth of the time of a bind mount, but a user namespace may not make one.
  Status make_device(int dev, const Device& device) {
    if (mknodat(dev, device.name, S_IFCHR | 0666, makedev(device.major, device.minor)) == 0) return {};
    return errno == EPERM ? bind_device(dev, device.name)
                          : fail_errno(std::string("create '/dev/") + device.name + "'");
  }

  Status bind_device(int dev, const std::string& node) {
    HERD_TRY(const UniqueFd source, kernel::open_inside(host_.get(), "/dev/" + node));
    struct stat info {};
    if (fstat(source.get(), &info) != 0) return fail_errno("stat '/dev/" + node + "'");
    if (!S_ISCHR(info.st_mode)) return fail("the host's '/dev/" + node + "' is not a device");
    HERD_TRY(const UniqueFd clone, kernel::clone_tree(source.get(), false));
    HERD_CHECK(kernel::change_attributes(
        clone.get(), MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0, false));
    const UniqueFd point(openat(dev, node.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644));
    if (!point) return fail_errno("create '/dev/" + node + "'");
    return kernel::attach(clone.get(), point.get());
  }

  UniqueFd host_, tree_, cover_;
  std::vector<launch::UsedFile> used_;
};

}  // namespace

Result<std::vector<launch::UsedFile>> build_base_tree(const launch::Root& root) {
  Builder builder;
  HERD_CHECK(builder.mount_root(root));
  HERD_CHECK(builder.leave_out_covered());
  HERD_CHECK(builder.keep_a_proc(root));
  HERD_CHECK(builder.mount_cover());
  HERD_CHECK(builder.mount_dev());
  HERD_CHECK(builder.mask_sys());
  HERD_CHECK(builder.enter());
  return std::move(builder).used();
}

}  // namespace herd::exec
