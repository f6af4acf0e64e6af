// The way to a worker's filesystem, in mount namespaces that end with the attempt.
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "cli/doctor/checks.hpp"
#include "common/kernel/mount_calls.hpp"

namespace herd::doctor {
namespace {

constexpr std::uint64_t kData = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
constexpr std::chrono::seconds kInnerLimit{2};  // shorter than that of the attempt around it

Result<UniqueFd> open_path(const char* path) {
  UniqueFd fd(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno(std::string("open '") + path + "'");
  return fd;
}

/// A mount namespace from which nothing comes back; the fd is that of its root.
Result<UniqueFd> own_mounts(int more_flags = 0) {
  if (unshare(CLONE_NEWNS | more_flags) != 0) return fail_errno("unshare");
  HERD_TRY(UniqueFd root, open_path("/"));
  HERD_CHECK(kernel::make_private(root.get()));
  return root;
}

Status expect_read_only(int fd, const std::string& what) {
  struct statvfs info {};
  if (fstatvfs(fd, &info) != 0) return fail_errno("statvfs '" + what + "'");
  if ((info.f_flag & ST_RDONLY) == 0) return fail("'" + what + "' is still writable");
  return {};
}

/// As a worker's root is made: the host's tree cloned, read-only with all below it, on top of "/".
Result<UniqueFd> attach_read_only_root() {
  HERD_TRY(const UniqueFd host, own_mounts());
  HERD_TRY(UniqueFd tree, kernel::clone_tree(host.get(), true));
  HERD_CHECK(kernel::change_attributes(tree.get(), MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0, true));
  HERD_CHECK(kernel::attach(tree.get(), host.get()));
  HERD_CHECK(expect_read_only(tree.get(), "/"));
  HERD_TRY(const UniqueFd below, kernel::open_inside(tree.get(), "/proc"));
  HERD_CHECK(expect_read_only(below.get(), "/proc"));
  return tree;
}

Result<std::string> read_only_tree() {
  HERD_CHECK(attach_read_only_root());
  return "open_tree, mount_setattr, move_mount; also what is mounted below is read-only";
}

Result<std::string> pivot() {
  HERD_TRY(const UniqueFd tree, attach_read_only_root());
  if (fchdir(tree.get()) != 0) return fail_errno("enter the new root");
  if (syscall(SYS_pivot_root, ".", ".") != 0) return fail_errno("pivot_root");
  if (umount2(".", MNT_DETACH) != 0) return fail_errno("detach the old root");
  HERD_TRY(const UniqueFd root, open_path("/"));
  HERD_CHECK(expect_read_only(root.get(), "/"));
  return "the old root is gone";
}

Result<std::string> tmpfs() {
  HERD_TRY(const UniqueFd root, own_mounts());
  HERD_TRY(const UniqueFd mount,
           kernel::new_filesystem("tmpfs", kernel::tmpfs_options(64 * 1024, "1777"), kData));
  HERD_CHECK(kernel::attach_inside(root.get(), mount.get(), "/tmp"));
  struct statfs info {};
  if (statfs("/tmp", &info) != 0) return fail_errno("statfs");
  if (info.f_type != TMPFS_MAGIC) return fail("it is not what is mounted");
  return "fsopen, fsmount; with a limit of size and inodes";
}

Result<std::string> look_at_proc() {
  HERD_TRY(const UniqueFd root, open_path("/"));
  HERD_TRY(const UniqueFd proc,
           kernel::new_filesystem("proc", {{"hidepid", "invisible"}}, kData | MOUNT_ATTR_NOEXEC));
  HERD_CHECK(kernel::attach_inside(root.get(), proc.get(), "/proc"));
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir("/proc"), closedir);
  if (!entries) return fail_errno("open '/proc'");
  int processes = 0;
  while (const dirent* entry = readdir(entries.get()))
    if (std::ranges::all_of(std::string_view(entry->d_name), [](char c) { return c >= '0' && c <= '9'; }))
      ++processes;
  if (processes != 1) return fail("it shows " + std::to_string(processes) + " processes instead of its one");
  return std::string("fsopen with hidepid; it shows its own process alone");
}

Result<std::string> new_proc() {
  HERD_CHECK(own_mounts(CLONE_NEWPID));
  return kernel::probe(look_at_proc, kInnerLimit);
}

Check mount_check(const std::string& name, kernel::Attempt attempt, const char* if_absent) {
  return {.name = name,
          .needed_for = kEveryPool,
          .attempt = std::move(attempt),
          .remedy = {kBeRoot, if_absent},
          .works_in_user_namespace = true};
}

}  // namespace

std::vector<Check> mount_checks() {
  constexpr const char* kNewCalls =
      "use Linux 5.14 or later, and a seccomp profile that knows the mount calls of 5.12";
  return {mount_check("read-only tree", read_only_tree, kNewCalls), mount_check("tmpfs", tmpfs, kNewCalls),
          mount_check("pivot_root", pivot, "don't start herdd from an initramfs"),
          mount_check("proc with hidepid", new_proc, kNewCalls)};
}

}  // namespace herd::doctor
