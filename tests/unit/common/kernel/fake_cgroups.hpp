// A cgroup tree of plain directories and files: what the kernel would make in a new cgroup is put there
// first.
#pragma once

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/kernel/cgroup.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::kernel {

class FakeCgroups : public testing::Test {
 protected:
  static constexpr const char* kLeaf = "herd/web/web-1";

  /// Empty files, as a write into them appends nothing.
  void put(const std::string& directory, std::initializer_list<const char*> files) const {
    for (const char* file : files) directory_.write(directory + "/" + file, "");
  }
  void put(const std::string& file, const std::string& text) const { directory_.write(file, text); }
  [[nodiscard]] std::string at(const std::string& path) const { return directory_.path() + "/" + path; }
  [[nodiscard]] std::string text(const std::string& path) const { return test::text_of(at(path)); }
  [[nodiscard]] bool exists(const std::string& path) const { return access(at(path).c_str(), F_OK) == 0; }
  [[nodiscard]] std::string leaf(const std::string& mount, const std::string& file) const {
    return mount + "/" + kLeaf + "/" + file;
  }

  /// A hierarchy at `mount`, without files.
  [[nodiscard]] Hierarchy v2(const std::string& mount, std::vector<Controller> controllers) const {
    std::filesystem::create_directories(at(mount));
    if (!controllers.empty())
      for (const char* parent : {"", "/herd", "/herd/web"}) put(mount + parent, {"cgroup.subtree_control"});
    return {at(mount), true, std::move(controllers), false};
  }
  /// A hierarchy at `mount` with the leaf's file for joining it.
  [[nodiscard]] Hierarchy v1(const std::string& mount, std::vector<Controller> controllers,
                             bool has_freezer = false) const {
    put(mount + "/" + kLeaf, {"tasks"});
    return {at(mount), false, std::move(controllers), has_freezer};
  }

  static Cgroups opened(std::vector<Hierarchy> hierarchies) {
    auto cgroups = Cgroups::open({std::move(hierarchies)}, "herd");
    if (!cgroups) throw std::runtime_error(cgroups.error().message);
    return std::move(*cgroups);
  }
  /// The leaf, without limits.
  static WorkerCgroup made(std::vector<Hierarchy> hierarchies) {
    auto cgroup = opened(std::move(hierarchies)).create("web", "web-1", {}, nullptr);
    if (!cgroup) throw std::runtime_error(cgroup.error().message);
    return std::move(*cgroup);
  }

  test::TemporaryDirectory directory_;
};

inline constexpr auto kAllControllers = {Controller::memory, Controller::cpu, Controller::pids};

}  // namespace herd::kernel
