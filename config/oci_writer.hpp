// A profile as OCI JSON.
#pragma once

#include <string>

#include "common/error.hpp"
#include "common/seccomp/profile.hpp"

namespace herd::config {

/// What `read_profile` gives the same meaning on this architecture, under every policy: the text is read back
/// and compared before it is returned. Includes and excludes are gone: what they decided is in it.
Result<std::string> to_oci(const seccomp::Profile& profile, seccomp::Arch arch);

}  // namespace herd::config
