// The processes that this one has to wait for: its children, and as it is their subreaper, whatever of their
// descendants lost its parent. A child that was not waited for keeps its pid, so that signals to it by pid
// reach nobody else (this process has one thread that waits).
#pragma once

#include <sys/types.h>

#include <vector>

#include "common/error.hpp"

namespace herd::record {

Status become_subreaper();
/// Those that there are now, zombies too. Empty where /proc can't be read.
std::vector<pid_t> children();

/// From the text of /proc/PID/stat; -1 where it is none.
pid_t parent_in(const std::string& stat);

}  // namespace herd::record
