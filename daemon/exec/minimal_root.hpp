// The root of a pool that says `minimal`: nothing of the host but what its command needs to start.
#pragma once

#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"
#include "protocol/launch/plan.hpp"

namespace herd::exec {

/// Fills `tree`, an empty filesystem mounted over "/" of which `host` names the directory below: directories,
/// the links on the way to the needed files, each such file bound, and the places where workers mount what
/// their pool binds. Returns the files.
Result<std::vector<launch::UsedFile>> fill_minimal_root(int host, int tree, const launch::Root& root);

}  // namespace herd::exec
