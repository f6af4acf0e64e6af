// A filter that denies one call, for trying what comes of a denial: by herdctl doctor, by herdd of itself, in
// tests.
#pragma once

#include "common/error.hpp"
#include "common/seccomp/install.hpp"

namespace herd::seccomp {

/// From now on the call fails with EPERM, for this thread and what it starts; all others are allowed. There
/// is no way back. Sets no-new-privs.
Status deny_one(int number, const InstallOptions& options);

}  // namespace herd::seccomp
