#include "common/kernel/own_cgroup.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "common/kernel/files.hpp"

namespace herd::kernel {

Result<OwnCgroup> OwnCgroup::enter(const CgroupLayout& layout, const std::string& name) {
  OwnCgroup own(name);
  if (!layout.is_delegated) return own;
  for (const Hierarchy& hierarchy : layout.hierarchies) {
    if (!hierarchy.is_v2) continue;
    const std::string directory = hierarchy.directory() + "/" + name;
    if (mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST)
      return fail_errno("create cgroup '" + directory + "'");
    own.left_.push_back(hierarchy);
    if (auto moved = write_file(directory + "/cgroup.procs", "0"); !moved)
      return fail_in("leave cgroup '" + hierarchy.directory() + "'", moved.error());
  }
  return own;
}

OwnCgroup::~OwnCgroup() {
  for (const Hierarchy& hierarchy : left_) {
    for (const Controller controller : hierarchy.controllers)
      (void)write_file(hierarchy.directory() + "/cgroup.subtree_control",
                       "-" + std::string(kernel::name(controller)));
    (void)write_file(hierarchy.directory() + "/cgroup.procs", "0");
    rmdir((hierarchy.directory() + "/" + name_).c_str());
  }
}

}  // namespace herd::kernel
