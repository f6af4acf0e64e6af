// The part of a filter that depends on the call's number alone: libseccomp's binary tree (optimize level 2).
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/seccomp/profile.hpp"

namespace herd::seccomp {

struct CallResult {
  std::string name;
  std::uint32_t result = 0;  // SECCOMP_RET_*
};

/// A whole filter: `otherwise` for calls that are not listed; a foreign architecture and x32 end the process.
Result<std::vector<sock_filter>> compile_call_tree(Arch arch, std::uint32_t otherwise,
                                                   const std::vector<CallResult>& calls);

}  // namespace herd::seccomp
