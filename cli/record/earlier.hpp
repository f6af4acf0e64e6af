// An earlier recording, from its profile.
#pragma once

#include <string>

#include "cli/record/provenance.hpp"
#include "cli/record/recording.hpp"
#include "common/error.hpp"

namespace herd::record {

/// Adds what the profile allows. Only a profile that lists what is allowed can be added to: one that allows
/// by default, denies single calls, or compares otherwise than for equality is refused, each issue a line.
Status add_profile(const std::string& text, const std::string& file, Recording& recording,
                   Provenance& provenance);

}  // namespace herd::record
