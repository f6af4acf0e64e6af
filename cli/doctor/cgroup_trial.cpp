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
  return hierarchy.directory() + "/cgroup.subtree_control";
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::optional<Hierarchy> tracking_v2(const CgroupSource& source) {
  const CgroupLayout layout = source.layout("cgroup2");
  if (layout.hierarchies.empty()) return std::nullopt;
  Hierarchy hierarchy = layout.hierarchies.front();
  hierarchy.controllers.clear();  // each of them is tried by itself
  return hierarchy;
}

std::optional<Hierarchy> freezer_of(const CgroupSource& source) {
  const CgroupLayout layout = source.layout("cgroup");
  if (layout.hierarchies.empty() || !layout.hierarchies.front().has_freezer) return std::nullopt;
  return layout.hierarchies.front();
}

std::optional<Hierarchy> with_controller(const CgroupSource& source, Controller controller) {
  for (Hierarchy hierarchy : source.layout().hierarchies) {
    if (std::ranges::find(hierarchy.controllers, controller) == hierarchy.controllers.end()) continue;
    hierarchy.controllers = {controller};
    return hierarchy;
  }
  return std::nullopt;
}

Result<kernel::Cgroups> open_in(const std::optional<Hierarchy>& hierarchy, const std::string& root) {
  if (!hierarchy) return fail("no hierarchy for it is mounted here, or none is this user's to write");
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
    rmdir((hierarchy_->directory() + "/" + root_).c_str());  // it may have come that far
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

CgroupSource CgroupSource::read(bool is_delegated) {
  return {kernel::read_file("/proc/self/mountinfo", 8 << 20).value_or(""),
          kernel::read_file("/proc/self/cgroup").value_or(""), is_delegated};
}

CgroupLayout CgroupSource::layout(const std::string& type) const {
  std::istringstream lines(mountinfo);
  std::string chosen;
  for (std::string line; std::getline(lines, line);)
    if (type.empty() || line.find(" - " + type + " ") != std::string::npos) chosen += line + "\n";
  const auto found =
      is_delegated ? kernel::find_delegated_cgroups(chosen, own) : kernel::find_cgroups(chosen);
  return found.value_or(CgroupLayout{});
}

CgroupTrials::CgroupTrials(const CgroupSource& source)
    : own_cgroup_(kernel::OwnCgroup::enter(source.layout(), "herd-doctor-" + std::to_string(getpid()))),
      v2(tracking_v2(source), "v2"),
      v1_freezer(freezer_of(source), "freezer"),
      memory(with_controller(source, Controller::memory), "memory"),
      cpu(with_controller(source, Controller::cpu), "cpu"),
      pids(with_controller(source, Controller::pids), "pids"),
      kind(source.layout().kind()),
      is_delegated(source.is_delegated),
      has_v2_mounted(source.mountinfo.find(" - cgroup2 ") != std::string::npos) {}

}  // namespace herd::doctor
