// A cgroup for this process itself, in a tree that has been given to its user.
#pragma once

#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/kernel/cgroup.hpp"

namespace herd::kernel {

/// While it lives this process is in BASE/NAME of each delegated v2 hierarchy instead of in BASE: a cgroup
/// with processes of its own can't give controllers to its children (cgroup-v2.rst, "No Internal Process
/// Constraint"). Does nothing in a layout that is not delegated.
class OwnCgroup {
 public:
  static Result<OwnCgroup> enter(const CgroupLayout& layout, const std::string& name);
  OwnCgroup(OwnCgroup&& other) noexcept
      : left_(std::exchange(other.left_, {})), name_(std::move(other.name_)) {}
  OwnCgroup& operator=(OwnCgroup&&) = delete;
  /// Takes the controllers back and returns to BASE; what is still needed there stays (EBUSY).
  ~OwnCgroup();

 private:
  explicit OwnCgroup(std::string name) : name_(std::move(name)) {}
  std::vector<Hierarchy> left_;
  std::string name_;
};

}  // namespace herd::kernel
