// From the profile that a pool file names to what it says.
#pragma once

#include "config/document.hpp"
#include "config/host.hpp"
#include "config/issue.hpp"
#include "config/pool_spec.hpp"

namespace herd::config {

/// Sets `sandbox.seccomp.rules`. What is wrong with the profile, or too long for the kernel, is told at the
/// pool file's field, each with its place in the profile. `document` is what `spec` was read from.
void resolve_profile(const Node& document, const HostFacts& facts, Issues& issues, PoolSpec& spec);

}  // namespace herd::config
