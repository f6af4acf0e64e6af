// A filter that asks about every call but one: the one after which somebody can answer.
#pragma once

#include <linux/filter.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "common/error.hpp"

namespace herd::seccomp {

/// What the one call has in the three argument registers that it has no use for: 192 random bits, so that no
/// other call can be taken for it.
using Pass = std::array<std::uint64_t, 3>;
Result<Pass> make_pass();

/// `passing`: a call with three arguments; with the pass in registers 3 to 5 it is not asked about. Nor are
/// those of `unasked`, whatever their arguments.
std::vector<sock_filter> ask_for_all_but(int passing, const Pass& pass, std::span<const int> unasked = {});

}  // namespace herd::seccomp
