// Argument values at which a program could disagree with the rules of a call.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "common/error.hpp"
#include "common/seccomp/profile.hpp"

namespace herd::seccomp {

using Arguments = std::array<std::uint64_t, kArgumentCount>;

/// All combinations of a call's edge values are tried up to this many; beyond it, each rule's surroundings
/// and as many random combinations.
inline constexpr std::size_t kMaxCombinations = 100'000;

/// Calls `visit` with each set of arguments worth trying, until it fails.
Status visit_edges(const std::vector<const Rule*>& rules,
                   const std::function<Status(const Arguments&)>& visit);

}  // namespace herd::seccomp
