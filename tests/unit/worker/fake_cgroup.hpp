// A worker's cgroup of plain files, which lists the processes that a test wants in it.
#pragma once

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "common/kernel/cgroup.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::worker {

class FakeCgroup : public testing::Test {
 protected:
  /// `processes`: one number a line.
  [[nodiscard]] kernel::WorkerCgroup cgroup_of(const std::string& processes) const {
    cgroups_.write("herd/web/web-1/cgroup.procs", processes);
    const kernel::Hierarchy hierarchy{cgroups_.path(), true, {}, false};
    const auto cgroups = kernel::Cgroups::open({{hierarchy}}, "herd");
    if (!cgroups) throw std::runtime_error(cgroups.error().message);
    auto cgroup = cgroups->create("web", "web-1", {}, nullptr);
    if (!cgroup) throw std::runtime_error(cgroup.error().message);
    return std::move(*cgroup);
  }

 private:
  test::TemporaryDirectory cgroups_;
};

}  // namespace herd::worker
