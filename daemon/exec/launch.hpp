// What herd-exec was given: the plan and its fds, and the line on which it reports.
#pragma once

#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/kernel/seqpacket.hpp"
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
  UniqueFd relay_listener;
  UniqueFd base_tree;  // the mount namespace to copy
  UniqueFd network;    // the network namespace to enter
};

/// What the first message asks for; `message` is that message, the plan's memfd and the fds that it names.
Result<Launch> read_launch(kernel::Message message);

/// What the base tree is to be made of: `message` holds its memfd.
Result<launch::Root> read_root(const kernel::Message& message);

/// Tells herdd. A full line waits a bounded time; a closed one is no error (the loop notices it).
void report(int line, const launch::FromExec& message, const std::vector<int>& fds = {});

}  // namespace herd::exec
