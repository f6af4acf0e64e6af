#include "cli/doctor/cgroup_trial.hpp"

#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "common/kernel/files.hpp"

namespace herd::doctor {
namespace {

using kernel::CgroupLayout;
using kernel::Controller;
using kernel::Hierarchy;

std::string subtree_control_of(const Hierarchy& hierarchy) {
  return hierarchy.mount_point + "/cgroup.subtree_control";
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

/// What herd would find if the host had only the hierarchies of that filesystem type.
CgroupLayout layout_of_type(const std::string& mountinfo, const std::string& type) {
  std::istringstream lines(mountinfo);
  std::string chosen;
  for (std::string line; std::getline(lines, line);)
    if (line.find(" - " + type + " ") != std::string::npos) chosen += line + "\n";
  return kernel::find_cgroups(chosen).value_or(CgroupLayout{});
}

std::optional<Hierarchy> tracking_v2(const std::string& mountinfo) {
  const CgroupLayout layout = layout_of_type(mountinfo, "cgroup2");
  if (layout.hierarchies.empty()) return std::nullopt;
  Hierarchy hierarchy = layout.hierarchies.front();
  hierarchy.controllers.clear();  // each of them is tried by itself
  return hierarchy;
}

std::optional<Hierarchy> freezer_of(const std::string& mountinfo) {
  const CgroupLayout layout = layout_of_type(mountinfo, "cgroup");
  if (layout.hierarchies.empty() || !layout.hierarchies.front().has_freezer) return std::nullopt;
  return layout.hierarchies.front();
}

std::optional<Hierarchy> with_controller(const std::string& mountinfo, Controller controller) {
  const auto layout = kernel::find_cgroups(mountinfo);
  if (!layout) return std::nullopt;
  for (Hierarchy hierarchy : layout->hierarchies) {
    if (std::ranges::find(hierarchy.controllers, controller) == hierarchy.controllers.end()) continue;
    hierarchy.controllers = {controller};
    return hierarchy;
  }
  return std::nullopt;
}

std::string kind_of(const std::string& mountinfo) {
  const auto layout = kernel::find_cgroups(mountinfo);
  return layout ? layout->kind() : "none";
}

Result<kernel::Cgroups> open_in(const std::optional<Hierarchy>& hierarchy, const std::string& root) {
  if (!hierarchy) return fail("no hierarchy for it is mounted here");
  return kernel::Cgroups::open({{*hierarchy}}, root);
}

}  // namespace

CgroupTrial::CgroupTrial(std::optional<Hierarchy> hierarchy, const std::string& name)
    : hierarchy_(std::move(hierarchy)),
      given_before_(hierarchy_ && hierarchy_->is_v2
                        ? words_of(kernel::read_file(subtree_control_of(*hierarchy_)).value_or(""))
                        : std::vector<std::string>{}),
      root_("herd-doctor-" + std::to_string(getpid()) + "-" + name),
      cgroups_(open_in(hierarchy_, root_)) {}

CgroupTrial::~CgroupTrial() {
  if (cgroups_) {
    (void)cgroups_->clean();
    cgroups_->remove_root();
  } else if (hierarchy_) {
    rmdir((hierarchy_->mount_point + "/" + root_).c_str());  // it may have come that far
  }
  if (hierarchy_ && hierarchy_->is_v2) restore_given();
}

/// Only what this trial switched on: a controller that others use by now stays (EBUSY).
void CgroupTrial::restore_given() {
  for (const Controller controller : hierarchy_->controllers) {
    const std::string word(kernel::name(controller));
    if (std::ranges::find(given_before_, word) == given_before_.end())
      (void)kernel::write_file(subtree_control_of(*hierarchy_), "-" + word);
  }
}

Result<kernel::WorkerCgroup> CgroupTrial::create(const kernel::CgroupLimits& limits) const {
  if (!cgroups_) return tl::make_unexpected(cgroups_.error());
  return cgroups_->create("pool", "worker", limits, nullptr);
}

CgroupTrials::CgroupTrials(const std::string& mountinfo)
    : v2(tracking_v2(mountinfo), "v2"),
      v1_freezer(freezer_of(mountinfo), "freezer"),
      memory(with_controller(mountinfo, Controller::memory), "memory"),
      cpu(with_controller(mountinfo, Controller::cpu), "cpu"),
      pids(with_controller(mountinfo, Controller::pids), "pids"),
      kind(kind_of(mountinfo)) {}

}  // namespace herd::doctor
