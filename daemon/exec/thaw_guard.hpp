// herd-exec as the guard of workers that herdd holds frozen: what it does with its whole life.
#pragma once

#include "common/error.hpp"

namespace herd::exec {

/// Each message on the line is a file and the word that thaws a cgroup when it is written there. Once every
/// copy of herdd's end is closed all are thawed, and then this returns. Gives up all capabilities first.
Status guard_frozen(int line);

}  // namespace herd::exec
