// cgroups made to be tried, and removed again with what was switched on for them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/kernel/cgroup.hpp"
#include "common/kernel/own_cgroup.hpp"

namespace herd::doctor {

/// A cgroup root of its own in one hierarchy, with at most one controller.
class CgroupTrial {
 public:
  /// Nothing in `hierarchy`: this host has none. An error is kept, to be the answer of the checks.
  CgroupTrial(std::optional<kernel::Hierarchy> hierarchy, const std::string& name);
  ~CgroupTrial();
  CgroupTrial(const CgroupTrial&) = delete;
  CgroupTrial& operator=(const CgroupTrial&) = delete;

  /// A leaf in it.
  [[nodiscard]] Result<kernel::WorkerCgroup> create(const kernel::CgroupLimits& limits) const;
  [[nodiscard]] const std::optional<kernel::Hierarchy>& hierarchy() const { return hierarchy_; }

 private:
  void restore_given();
  std::optional<kernel::Hierarchy> hierarchy_;
  std::vector<std::string> given_before_;  // to the children of the hierarchy's top
  std::string root_;
  Result<kernel::Cgroups> cgroups_;
};

/// The hierarchies of this host, as herdd looks for them.
struct CgroupSource {
  std::string mountinfo;
  std::string own;  // /proc/self/cgroup, for an ordinary user, who has what has been delegated
  bool is_delegated = false;

  static CgroupSource read(bool is_delegated);
  /// As if the host had no mounts but those of that type of filesystem; "": all.
  [[nodiscard]] kernel::CgroupLayout layout(const std::string& type = "") const;
};

/// One for each thing that herd uses a hierarchy for.
class CgroupTrials {
 public:
  explicit CgroupTrials(const CgroupSource& source);

 private:
  Result<kernel::OwnCgroup> own_cgroup_;  // outlives the trials, which need its base

 public:
  CgroupTrial v2, v1_freezer, memory, cpu, pids;
  std::string kind;  // "v2", "hybrid", "v1" or "none"
  bool is_delegated;
  bool has_v2_mounted;  // whoever may write to it
};

}  // namespace herd::doctor
