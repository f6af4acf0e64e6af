// A recording as an OCI seccomp profile.
#pragma once

#include <string>

#include "cli/record/provenance.hpp"
#include "cli/record/recording.hpp"

namespace herd::record {

enum class Exec { if_seen, always };

/// Denies with EPERM all that was not seen. The same recording gives the same text. `exec` always: also where
/// the command did not exec, as a filter that is there before the program has to let it be started.
std::string to_profile(const Recording& recording, const Provenance& provenance, Exec exec = Exec::if_seen);

}  // namespace herd::record
