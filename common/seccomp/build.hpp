// The one way to a filter that may be used: compiled, then checked against its profile.
#pragma once

#include <string_view>

#include "common/error.hpp"
#include "common/seccomp/compiler.hpp"
#include "common/seccomp/profile.hpp"

namespace herd::seccomp {

/// Takes milliseconds: callers keep the result.
Result<Program> build(const Profile& profile, Policy policy, Arch arch = native_arch(),
                      Denials denials = Denials::audit);
/// Of a built-in profile.
Result<Program> build(std::string_view preset_name, Policy policy, Arch arch = native_arch());

}  // namespace herd::seccomp
