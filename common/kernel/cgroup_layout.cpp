// Which cgroup hierarchies this host has, and which of them herd uses.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "common/kernel/cgroup.hpp"
#include "common/kernel/files.hpp"
#include "common/kernel/mountinfo.hpp"

namespace herd::kernel {
namespace {

bool has_word(std::string_view list, std::string_view word, char separator) {
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(separator, at), list.size());
    if (list.substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

std::vector<Controller> controllers_in(std::string_view list, char separator) {
  std::vector<Controller> found;
  for (const Controller controller : {Controller::memory, Controller::cpu, Controller::pids})
    if (has_word(list, name(controller), separator)) found.push_back(controller);
  return found;
}

std::vector<Controller> v2_controllers(const std::string& directory) {
  auto text = read_file(directory + "/cgroup.controllers");
  if (!text) return {};
  while (!text->empty() && text->back() == '\n') text->pop_back();
  return controllers_in(*text, ' ');
}

/// Nothing if it is not a cgroup mount of the hierarchy's own top.
std::optional<Hierarchy> hierarchy_of(const Mount& mount) {
  if (mount.root != "/") return std::nullopt;
  Hierarchy hierarchy;
  hierarchy.mount_point = mount.point;
  if (mount.type == "cgroup2") {
    hierarchy.is_v2 = true;
    hierarchy.controllers = v2_controllers(hierarchy.mount_point);
    return hierarchy;
  }
  if (mount.type != "cgroup") return std::nullopt;
  hierarchy.controllers = controllers_in(mount.super_options, ',');
  hierarchy.has_freezer = has_word(mount.super_options, "freezer", ',');
  if (hierarchy.controllers.empty() && !hierarchy.has_freezer) return std::nullopt;
  return hierarchy;
}

}  // namespace

std::string_view name(Controller controller) {
  switch (controller) {
    case Controller::memory:
      return "memory";
    case Controller::cpu:
      return "cpu";
    case Controller::pids:
      return "pids";
  }
  return "";
}

bool CgroupLayout::has(Controller controller) const {
  return std::ranges::any_of(hierarchies, [&](const Hierarchy& hierarchy) {
    return std::ranges::find(hierarchy.controllers, controller) != hierarchy.controllers.end();
  });
}

std::string CgroupLayout::kind() const {
  if (hierarchies.empty()) return "none";
  if (!tracks_on_v2()) return "v1";
  return hierarchies.size() == 1 ? "v2" : "hybrid";
}

namespace {

std::vector<Hierarchy> all_hierarchies(const std::string& mountinfo) {
  std::vector<Hierarchy> found;
  for (const Mount& mount : parse_mountinfo(mountinfo))
    if (auto hierarchy = hierarchy_of(mount)) found.push_back(std::move(*hierarchy));
  return found;
}

CgroupLayout layout_of(std::vector<Hierarchy> found) {
  // Tracking: v2 where there is one, else v1's freezer (it can hold a tree still), else any v1 hierarchy.
  const auto rank = [](const Hierarchy& hierarchy) {
    return hierarchy.is_v2 ? 0 : hierarchy.has_freezer ? 1 : 2;
  };
  std::ranges::stable_sort(found, {}, rank);
  CgroupLayout layout;
  for (Hierarchy& hierarchy : found) {
    const bool is_tracking = layout.hierarchies.empty();
    const bool brings_controller = std::ranges::any_of(
        hierarchy.controllers, [&](Controller controller) { return !layout.has(controller); });
    if (is_tracking || brings_controller) layout.hierarchies.push_back(std::move(hierarchy));
  }
  return layout;
}

/// The cgroup in that hierarchy, from lines "ID:CONTROLLERS:PATH" (cgroups(7)); nothing where there is none.
std::optional<std::string> path_in(const Hierarchy& hierarchy, const std::string& own) {
  std::istringstream lines(own);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t one = line.find(':'), two = one == line.npos ? one : line.find(':', one + 1);
    if (two == line.npos) continue;
    const std::string_view controllers = std::string_view(line).substr(one + 1, two - one - 1);
    const bool is_it = hierarchy.is_v2 ? controllers.empty()
                       : hierarchy.controllers.empty()
                           ? has_word(controllers, "freezer", ',')
                           : has_word(controllers, name(hierarchy.controllers.front()), ',');
    if (is_it) return line.substr(two + 1);
  }
  return std::nullopt;
}

bool may_write(const std::string& path) {
  return faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
}

/// cgroup-v2.rst, "Delegation": the directory, and the files by which processes are moved and controllers
/// given. On v1 what is made in the directory is its maker's.
bool is_delegated(const Hierarchy& hierarchy) {
  const std::string directory = hierarchy.directory();
  if (!may_write(directory)) return false;
  return !hierarchy.is_v2 ||
         (may_write(directory + "/cgroup.procs") && may_write(directory + "/cgroup.subtree_control"));
}

/// A v2 cgroup in which others are too, such as the terminal that herdd was started in, gives no controllers
/// to its children; they can be told apart in it all the same.
std::vector<Controller> controllers_to_give(const std::string& directory) {
  std::istringstream pids(read_file(directory + "/cgroup.procs", 1 << 22).value_or(""));
  for (pid_t pid = 0; pids >> pid;)
    if (pid != getpid()) return {};
  return v2_controllers(directory);
}

}  // namespace

Result<CgroupLayout> find_cgroups(const std::string& mountinfo) {
  return layout_of(all_hierarchies(mountinfo));
}

Result<CgroupLayout> find_delegated_cgroups(const std::string& mountinfo, const std::string& own) {
  std::vector<Hierarchy> given;
  for (Hierarchy& hierarchy : all_hierarchies(mountinfo)) {
    const auto path = path_in(hierarchy, own);
    if (!path) continue;
    hierarchy.base = *path == "/" ? "" : *path;
    if (!is_delegated(hierarchy)) continue;
    if (hierarchy.is_v2) hierarchy.controllers = controllers_to_give(hierarchy.directory());
    given.push_back(std::move(hierarchy));
  }
  CgroupLayout layout = layout_of(std::move(given));
  layout.is_delegated = true;
  return layout;
}

}  // namespace herd::kernel
