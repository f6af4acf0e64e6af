// The worker's Landlock rules, derived from what its plan says of files and network.
#pragma once

#include <optional>

#include "common/error.hpp"
#include "common/kernel/landlock.hpp"
#include "protocol/launch/plan.hpp"

namespace herd::exec {

/// Once the root is the worker's own. Empty where the plan wants none, or wants it if there is one and this
/// kernel has none.
Result<std::optional<kernel::landlock::Ruleset>> make_landlock_rules(const launch::Plan& plan);

}  // namespace herd::exec
