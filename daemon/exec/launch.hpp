// What herd-exec was given: the plan and its fds, and the line on which it reports.
#pragma once

#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"
#include "protocol/launch/owner_line.hpp"
#include "protocol/launch/plan.hpp"

namespace herd::exec {

/// herdd's spawner puts the owner's line here; everything else arrives over it.
inline constexpr int kOwnerLineFd = 3;

struct Launch {
  launch::Plan plan;
  UniqueFd stdin_file;  // empty: /dev/null
  UniqueFd stdout_file, stderr_file, listener, seccomp_filter;
  std::vector<UniqueFd> cgroup_tasks;  // the v1 cgroups to join
};

/// Reads the first message: the plan's memfd and the fds that it names.
Result<Launch> receive_launch(int line);

/// Tells herdd. A full line waits a bounded time; a closed one is no error (the loop notices it).
void report(int line, const launch::FromExec& message, const std::vector<int>& fds = {});

}  // namespace herd::exec
