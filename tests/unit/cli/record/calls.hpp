// System calls as a recording is told of them.
#pragma once

#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "cli/record/recording.hpp"
#include "common/seccomp/profile.hpp"

namespace herd::record {

inline seccomp_data call(long number, std::array<std::uint64_t, 6> args = {}) {
  seccomp_data data{static_cast<int>(number), seccomp::audit_arch(seccomp::native_arch()), 0, {}};
  std::ranges::copy(args, data.args);
  return data;
}

}  // namespace herd::record
