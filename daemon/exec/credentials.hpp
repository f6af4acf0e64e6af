// Ids, capabilities and what else of a process's identity must be exactly as planned. Raw system calls:
// glibc's wrappers for ids signal all threads of a process, which is wrong in a child that shares its
// parent's memory.
#pragma once

#include <cstdint>

#include "common/error.hpp"
#include "protocol/launch/plan.hpp"

namespace herd::exec {

/// Empties the bounding set but for `keep`, puts `keep` where it survives the change of uid, locks the
/// securebits.
Status restrict_capabilities(std::uint64_t keep);
/// Groups first, then gid, then uid, each read back; then exactly `capabilities` in all sets.
Status become(const launch::Plan& plan);
/// For herd-exec itself, once its worker runs: only `keep` is left in the permitted and effective sets.
Status keep_only(std::uint64_t keep);

}  // namespace herd::exec
