// One call that a filter denies: getppid(2), which can't fail by itself, so an error of it is the filter's.
#pragma once

#include "common/error.hpp"
#include "common/seccomp/install.hpp"

namespace herd::doctor {

/// Sets no-new-privs too. There is no way back.
Status deny_getppid(const seccomp::InstallOptions& options);
bool is_getppid_denied();

}  // namespace herd::doctor
