// Into other namespaces, and what a user namespace of the worker's own would be good for where no filter
// forbids it.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "tests/testees/attempt.hpp"
#include "tests/testees/escape/attacks.hpp"
#include "tests/testees/support.hpp"

namespace escape {

namespace {

using testee::errno_name;
using testee::outcome;

constexpr int kAllNamespaces =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

std::string enters_by_file(const Target& target, const char* kind) {
  for (const pid_t pid : {1, static_cast<int>(::getppid()), static_cast<int>(target.victim)}) {
    const int fd = ::open(("/proc/" + std::to_string(pid) + "/ns/" + kind).c_str(), O_RDONLY);
    if (fd >= 0 && ::setns(fd, 0) == 0) return "ok: of " + std::to_string(pid);
  }
  return errno_name(errno);
}

std::string enters_by_pidfd(const Target& target) {
  for (const pid_t pid : {1, static_cast<int>(target.victim)}) {
    const long fd = ::syscall(SYS_pidfd_open, pid, 0);
    if (fd >= 0 && ::setns(static_cast<int>(fd), CLONE_NEWNS) == 0) return "ok: of " + std::to_string(pid);
  }
  return errno_name(errno);
}

std::string uncovers(const Target&) {
  for (const std::string& place : mount_points())
    if (::umount2(place.c_str(), MNT_DETACH) == 0) return "ok: " + place;
  return errno_name(errno);
}

std::string remounts_writable(const Target&) {
  for (const std::string& place : mount_points()) {
    struct stat info {};
    const bool is_own = place == "/tmp" || place == "/dev/shm" || place == "/run" || place == "/proc";
    if (is_own || ::stat(place.c_str(), &info) != 0) continue;
    if (::mount(nullptr, place.c_str(), nullptr, MS_REMOUNT | MS_BIND, nullptr) == 0) return "ok: " + place;
  }
  return errno_name(errno);
}

std::string clears_read_only(const Target&) {
  mount_attr attributes{};
  attributes.attr_clr = MOUNT_ATTR_RDONLY;
  return outcome(::syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &attributes, sizeof attributes));
}

/// What the covers hide lies below, in the mount that a plain bind would copy without them.
std::string binds_without_covers(const Target&) {
  ::mkdir("/tmp/herd-below", 0700);
  return outcome(::mount("/", "/tmp/herd-below", nullptr, MS_BIND, nullptr));
}

std::string clones_without_covers(const Target&) {
  return outcome(::syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE));
}

std::string makes_shared(const Target&) {
  return outcome(::mount(nullptr, "/", nullptr, MS_REC | MS_SHARED, nullptr));
}

std::string mounts_new(const char* type, const char* options) {
  ::mkdir("/tmp/herd-new", 0700);
  return outcome(::mount("none", "/tmp/herd-new", type, 0, options));
}

std::string opens_filesystem(const Target&) {
  return outcome(::syscall(SYS_fsopen, "tmpfs", 0));
}

std::string raises_limits(const std::string& mounted) {
  if (mounted != "ok") return mounted;
  for (const char* name : {"memory.max", "pids.max", "cgroup.procs", "tasks", "release_agent",
                           "memory.limit_in_bytes", "cgroup.subtree_control"})
    if (::open((std::string("/tmp/herd-new/") + name).c_str(), O_WRONLY) >= 0)
      return std::string("ok: ") + name;
  return outcome(::mkdir("/tmp/herd-new/below", 0700));
}

std::string makes_device(const Target&) {
  ::mknod("/tmp/herd-kmem", S_IFCHR | 0600, (1 << 8) | 2);
  return outcome(::open("/tmp/herd-kmem", O_RDONLY));
}

bool write_to(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  const bool is_written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return is_written;
}

/// It is uid 0 afterwards, with every capability over what is its own.
bool unshare_all() {
  const std::string uid = std::to_string(::getuid()), gid = std::to_string(::getgid());
  return ::unshare(kAllNamespaces) == 0 && write_to("/proc/self/setgroups", "deny") &&
         write_to("/proc/self/uid_map", "0 " + uid + " 1") &&
         write_to("/proc/self/gid_map", "0 " + gid + " 1");
}

/// In namespaces of its own, in which it has every capability.
Attack nested(std::string name, std::function<std::string(const Target&)> attempt) {
  return {"nested_" + name, [attempt = std::move(attempt)](const Target& target) {
            if (!unshare_all()) return "no user namespace: " + errno_name(errno);
            return testee::in_a_child([&] { return attempt(target); });  // in the new pid namespace
          }};
}

std::vector<Attack> mount_attacks() {
  return {{"umount", uncovers},
          {"remount_writable", remounts_writable},
          {"clear_read_only", clears_read_only},
          {"bind_without_covers", binds_without_covers},
          {"clone_without_covers", clones_without_covers}};
}

}  // namespace

std::vector<Attack> namespace_attacks() {
  std::vector<Attack> attacks{
      {"enter_pidfd", enters_by_pidfd}, {"make_shared", makes_shared}, {"open_filesystem", opens_filesystem}};
  for (const char* kind : {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"})
    attacks.push_back({std::string("enter_") + kind,
                       [kind](const Target& target) { return enters_by_file(target, kind); }});
  for (const Attack& attack : mount_attacks()) {
    attacks.push_back(attack);
    attacks.push_back(nested(attack.name, attack.attempt));
  }
  for (const char* kind : {"mnt", "net", "pid"})
    attacks.push_back(nested(std::string("enter_") + kind, [kind](const Target& target) {
      return enters_by_file({target.victim, 0}, kind);
    }));
  attacks.push_back(nested("proc", [](const Target&) { return mounts_new("proc", nullptr); }));
  attacks.push_back(nested("sysfs", [](const Target&) { return mounts_new("sysfs", nullptr); }));
  attacks.push_back(
      nested("cgroup_v2", [](const Target&) { return raises_limits(mounts_new("cgroup2", nullptr)); }));
  attacks.push_back(
      nested("cgroup_v1", [](const Target&) { return raises_limits(mounts_new("cgroup", "memory")); }));
  attacks.push_back(nested("device", makes_device));
  return attacks;
}

}  // namespace escape
