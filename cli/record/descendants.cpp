#include "cli/record/descendants.hpp"

#include <dirent.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "common/kernel/files.hpp"

namespace herd::record {

Status become_subreaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return fail_errno("become the subreaper");
  return {};
}

pid_t parent_in(const std::string& stat) {
  const std::size_t end = stat.rfind(')');  // the name in front may hold anything, also ')'
  char state = 0;
  int parent = -1;
  if (end == std::string::npos || std::sscanf(stat.c_str() + end + 1, " %c %d", &state, &parent) != 2)
    return -1;
  return parent;
}

std::vector<pid_t> children() {
  std::vector<pid_t> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
  while (const dirent* entry = proc ? ::readdir(proc.get()) : nullptr) {
    const int pid = std::atoi(entry->d_name);
    if (pid <= 0) continue;
    const auto stat = kernel::read_record("/proc/" + std::to_string(pid) + "/stat");
    if (stat && parent_in(*stat) == ::getpid()) found.push_back(pid);
  }
  return found;
}

}  // namespace herd::record
