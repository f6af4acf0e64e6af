// One call of the native 64-bit ABI, for evaluating filters.
#pragma once

#include <linux/seccomp.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "common/seccomp/profile.hpp"

namespace herd::seccomp::test {

inline constexpr std::uint32_t kEperm = SECCOMP_RET_ERRNO | EPERM;
inline constexpr std::uint32_t kEnosys = SECCOMP_RET_ERRNO | ENOSYS;
inline constexpr std::uint64_t kHighBit = std::uint64_t{1} << 32;

inline seccomp_data call(long number, std::array<std::uint64_t, 6> arguments = {},
                         Arch arch = native_arch()) {
  seccomp_data data{static_cast<int>(number), audit_arch(arch), 0, {}};
  for (std::size_t i = 0; i < arguments.size(); ++i) data.args[i] = arguments[i];
  return data;
}

}  // namespace herd::seccomp::test
