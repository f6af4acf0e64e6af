// A herd-exec that thaws the workers that herdd holds frozen, should herdd end while it does.
#pragma once

#include "daemon/denials/hold_back.hpp"

namespace herd::worker {

/// `program` is herd-exec, pinned. Only on a thread that blocks all signals; takes about a millisecond.
Result<denials::HoldBack::Guard> start_freeze_guard(const UniqueFd& program);

}  // namespace herd::worker
