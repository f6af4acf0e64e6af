#include "common/kernel/mount_calls.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "common/kernel/path_walk.hpp"

namespace herd::kernel {

MountOptions tmpfs_options(std::uint64_t bytes, const char* mode) {
  // Without nr_inodes the kernel allows one inode for every two pages of the host's memory.
  const std::uint64_t inodes = std::max<std::uint64_t>(1024, bytes / 4096);
  return {{"size", std::to_string(bytes)}, {"nr_inodes", std::to_string(inodes)}, {"mode", mode}};
}

Result<UniqueFd> new_filesystem(const std::string& type, const MountOptions& options,
                                std::uint64_t attributes) {
  UniqueFd context(fsopen(type.c_str(), FSOPEN_CLOEXEC));
  if (!context) return fail_errno("open filesystem " + type);
  for (const auto& [key, value] : options)
    if (fsconfig(context.get(), FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0) != 0)
      return fail_errno(type + ": set " + key + "=" + value);
  if (fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return fail_errno("create " + type);
  UniqueFd mount(fsmount(context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes)));
  if (!mount) return fail_errno("mount " + type);
  return mount;
}

Result<UniqueFd> clone_tree(int path_fd, bool recursive) {
  const unsigned flags =
      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U);
  UniqueFd tree(open_tree(path_fd, "", flags));
  if (!tree) return fail_errno("clone a mount");
  return tree;
}

static Status set_attributes(int mount_fd, mount_attr attributes, bool recursive) {
  const unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U);
  if (mount_setattr(mount_fd, "", flags, &attributes, sizeof attributes) != 0)
    return fail_errno("set mount flags");
  return {};
}

Status change_attributes(int mount_fd, std::uint64_t set, std::uint64_t clear, bool recursive) {
  mount_attr attributes{};
  attributes.attr_set = set;
  attributes.attr_clr = clear;
  return set_attributes(mount_fd, attributes, recursive);
}

Status make_private(int mount_fd) {
  mount_attr attributes{};
  attributes.propagation = MS_PRIVATE;
  return set_attributes(mount_fd, attributes, true);
}

Status attach(int mount_fd, int target) {
  if (move_mount(mount_fd, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
    return fail_errno("attach a mount");
  return {};
}

Result<UniqueFd> open_inside(int root, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS;
  UniqueFd fd(static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
  if (fd) return fd;
  if (errno != ELOOP) return fail_errno("'" + path + "'");
  auto found = walk_inside(root, path);  // there are symlinks on the way
  if (!found) return fail_in("'" + path + "'", found.error());
  return std::move(found->fd);
}

Status attach_inside(int root, int mount_fd, const std::string& path) {
  auto target = open_inside(root, path);
  if (!target) return fail_in("mount at", target.error());
  if (auto attached = attach(mount_fd, target->get()); !attached)
    return fail_in("mount at '" + path + "'", attached.error());
  return {};
}

}  // namespace herd::kernel
