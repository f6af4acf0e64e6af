// BPF for the rules of one call that look at arguments.
//
// One plain test after the other, in the order of the rules: what libseccomp (2.5.4) can't say, as it refuses
// a conditional rule that does what the default does and two conditions on one argument, and lets an
// unconditional rule swallow the conditional ones of the same call.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <span>
#include <vector>

#include "common/seccomp/profile.hpp"

namespace herd::seccomp {

struct ConditionalResult {
  std::uint32_t result = 0;  // SECCOMP_RET_*
  std::vector<ArgCondition> conditions;
};

/// Tries the rules in order and returns the result of the first whose conditions all hold, else `otherwise`.
/// Entered with any accumulator; always returns.
std::vector<sock_filter> emit_argument_rules(std::span<const ConditionalResult> rules,
                                             std::uint32_t otherwise);

}  // namespace herd::seccomp
