// Processes by pidfd (a pid is not a handle), and what the kernel says of them in /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::kernel {

/// pidfd_send_signal(2), Linux 5.1. ESRCH: it is gone.
Status send_signal(int pidfd, int signal);
/// The process's number in the caller's pid namespace, from fdinfo; an error once it is reaped ("Pid: -1").
Result<pid_t> pid_of(int pidfd);
/// All processes of the pid namespace that this one is in, as the caller's numbers them. For one whose links
/// in /proc the caller may read (ptrace(2)).
Result<std::vector<int>> processes_in_namespace_of(int pidfd);
/// False once the process has ended (its pidfd is readable).
bool is_alive(int pidfd);

/// True for a process that has been killed or has exited and is not yet gone: a zombie, or one that seccomp
/// ended.
bool is_ending(pid_t pid);

/// What stands in /proc/PID/status; every field is checked to be there.
struct ProcessStatus {
  std::vector<std::uint32_t> uids, gids;  // real, effective, saved, filesystem
  std::vector<std::uint32_t> groups;
  std::uint64_t cap_inheritable = 0, cap_permitted = 0, cap_effective = 0, cap_bounding = 0, cap_ambient = 0;
  bool no_new_privs = false;
  int seccomp_mode = 0;     // 0 off, 1 strict, 2 filter
  int seccomp_filters = 0;  // Linux 5.9
};
Result<ProcessStatus> parse_status(const std::string& text);
/// `proc` is a directory fd of procfs or of one process in it; `path` such as "123/status" or "status".
Result<ProcessStatus> read_status(int proc, const std::string& path);

}  // namespace herd::kernel
