// Seccomp profiles as people have them: OCI JSON, as Docker and podman use it, or herd's own
// {"base", "allow", "deny"}. Both become the plain value of common/seccomp/profile.hpp.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/seccomp/profile.hpp"
#include "config/issue.hpp"

namespace herd::config {

struct KernelVersion {
  int major = 0, minor = 0;
  auto operator<=>(const KernelVersion&) const = default;
};
/// Of uname(2).
KernelVersion running_kernel();
/// Of "6.1", "6.1.0-56-cloud-amd64"; nothing of other text.
std::optional<KernelVersion> parse_kernel_version(std::string_view text);

/// What a profile's `includes` and `excludes` ask.
struct ProfileContext {
  seccomp::Arch arch = seccomp::native_arch();
  std::vector<std::string> capabilities;  // the worker's, as "CAP_SYS_ADMIN"
  KernelVersion kernel = running_kernel();
};

/// Nothing where `issues` has got any: each problem with its line and pointer. `name` is what the profile is
/// called from then on.
std::optional<seccomp::Profile> read_profile(std::string_view text, const std::string& name,
                                             const ProfileContext& context, Issues& issues);

}  // namespace herd::config
