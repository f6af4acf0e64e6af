#include "tests/testees/probes.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>

#include "tests/testees/attempt.hpp"
#include "tests/testees/support.hpp"

namespace testee {

namespace {

/// 0, or the errno.
int result_of(long result) {
  return result < 0 ? errno : 0;
}

int opens(const char* path, int flags) {
  return result_of(::open(path, flags | O_CLOEXEC));
}

/// The null device, by which files are hidden, can be opened, and has nothing to read.
int reads(const char* path) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  char byte = 0;
  const ssize_t count = ::read(fd, &byte, 1);
  const int result = count == 0 ? ENODATA : result_of(count);
  ::close(fd);
  return result;
}

int creates(const char* path) {
  const int result = result_of(::open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
  if (result == 0) ::unlink(path);
  return result;
}

int makes_directory(const char* path) {
  const int result = result_of(::mkdir(path, 0700));
  if (result == 0) ::rmdir(path);
  return result;
}

int mounts(const char* type, const char* options) {
  char directory[] = "/tmp/herd-probe-XXXXXX";
  const bool made = ::mkdtemp(directory) != nullptr;
  const int result = result_of(::mount("none", made ? directory : "/", type, 0, options));
  if (result == 0) ::umount2(made ? directory : "/", MNT_DETACH);
  if (made) ::rmdir(directory);
  return result;
}

int binds_a_tcp_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int result = result_of(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
  ::close(fd);
  return result;
}

/// The one that a test listens on.
int connects_to_an_abstract_socket() {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "herd-test-abstract";
  name.copy(address.sun_path + 1, name.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const int result = result_of(::connect(fd, reinterpret_cast<sockaddr*>(&address), length));
  ::close(fd);
  return result;
}

int makes_device() {
  const int result = result_of(::mknod("/tmp/herd-probe-null", S_IFCHR | 0600, makedev(1, 3)));
  if (result == 0) ::unlink("/tmp/herd-probe-null");
  return result;
}

int clones_user_namespace() {
  const long child = ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) ::_exit(0);
  if (child > 0) ::waitpid(static_cast<pid_t>(child), nullptr, 0);
  return result_of(child);
}

/// A connection to itself over the loopback interface.
int uses_loopback() {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (listener < 0 || ::bind(listener, any, size) != 0 || ::listen(listener, 1) != 0 ||
      ::getsockname(listener, any, &size) != 0)
    return errno;
  return result_of(::connect(::socket(AF_INET, SOCK_STREAM, 0), any, size));
}

struct Probe {
  const char* name;
  int (*attempt)();
};

constexpr Probe kProbes[] = {
    {"write_root", [] { return creates("/herd-probe"); }},
    {"write_usr", [] { return creates("/usr/herd-probe"); }},
    {"write_tmp", [] { return creates("/tmp/herd-probe"); }},
    {"write_dev_shm", [] { return creates("/dev/shm/herd-probe"); }},
    {"write_self_exe", [] { return opens("/proc/self/exe", O_WRONLY); }},
    {"read_pid1_exe", [] { return opens("/proc/1/exe", O_RDONLY); }},
    {"write_pid1_exe", [] { return opens("/proc/1/exe", O_WRONLY); }},
    {"read_pid1_mem", [] { return opens("/proc/1/mem", O_RDONLY); }},
    {"read_pid1_environ", [] { return opens("/proc/1/environ", O_RDONLY); }},
    // SEIZE, unlike ATTACH, does not stop it, and ends with this process.
    {"ptrace_pid1", [] { return result_of(::ptrace(PTRACE_SEIZE, 1, nullptr, nullptr)); }},
    {"kill_pid1", [] { return result_of(::kill(1, 0)); }},
    {"write_sysctl", [] { return opens("/proc/sys/kernel/core_pattern", O_WRONLY); }},
    {"write_sysrq", [] { return opens("/proc/sysrq-trigger", O_WRONLY); }},
    {"read_kcore", [] { return reads("/proc/kcore"); }},
    {"open_tty", [] { return opens("/dev/tty", O_RDWR); }},
    {"mount_tmpfs", [] { return mounts("tmpfs", "size=4k"); }},
    {"mount_proc", [] { return mounts("proc", nullptr); }},
    {"mount_cgroup_v1", [] { return mounts("cgroup", "none,name=herd-probe"); }},
    {"mount_cgroup_v1_memory", [] { return mounts("cgroup", "memory"); }},
    {"mount_cgroup_v2", [] { return mounts("cgroup2", nullptr); }},
    {"mkdir_cgroup", [] { return makes_directory("/sys/fs/cgroup/herd-probe"); }},
    {"mkdir_cgroup_unified", [] { return makes_directory("/sys/fs/cgroup/unified/herd-probe"); }},
    {"write_memory_max", [] { return opens("/sys/fs/cgroup/memory.max", O_WRONLY); }},
    {"make_device", makes_device},
    {"setuid_0", [] { return result_of(::setuid(0)); }},
    {"setgid_0", [] { return result_of(::setgid(0)); }},
    {"setgroups", [] { return result_of(::setgroups(0, nullptr)); }},
    {"chroot", [] { return result_of(::chroot("/")); }},
    {"unshare_user", [] { return result_of(::unshare(CLONE_NEWUSER)); }},
    {"unshare_mount", [] { return result_of(::unshare(CLONE_NEWNS)); }},
    {"unshare_net", [] { return result_of(::unshare(CLONE_NEWNET)); }},
    {"clone_user", clones_user_namespace},
    {"socket_packet", [] { return result_of(::socket(AF_PACKET, SOCK_RAW, 0)); }},
    {"socket_netlink", [] { return result_of(::socket(AF_NETLINK, SOCK_RAW, 0)); }},
    {"socket_vsock", [] { return result_of(::socket(AF_VSOCK, SOCK_STREAM, 0)); }},
    {"socket_alg", [] { return result_of(::socket(AF_ALG, SOCK_SEQPACKET, 0)); }},
    {"socket_raw", [] { return result_of(::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)); }},
    {"loopback", uses_loopback},
    {"bind_tcp", binds_a_tcp_port},
    {"abstract_socket", connects_to_an_abstract_socket},
};

}  // namespace

std::map<std::string, std::string> run_probes() {
  std::map<std::string, std::string> results;
  for (const auto& probe : kProbes)
    results[probe.name] = in_a_child([&probe] { return errno_name(probe.attempt()); });
  return results;
}

}  // namespace testee
