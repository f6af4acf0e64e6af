// Children made by clone3, as the spawner makes them.
#pragma once

#include <cstdint>

#include "common/error.hpp"

namespace herd::doctor {

/// What kernel/clone.hpp wants of its callers; for good, as an attempt's process ends with it.
void block_all_signals();

/// The exit code of a child with these CLONE_NEW... flags, waited for by its pidfd. `entry` may do what a
/// vfork child may.
Result<int> run_cloned(std::uint64_t flags, int (*entry)(void*));

}  // namespace herd::doctor
