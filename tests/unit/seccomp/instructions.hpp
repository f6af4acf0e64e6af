// Classic BPF, written instruction by instruction.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

namespace herd::seccomp::test {

using Code = std::vector<sock_filter>;

inline sock_filter op(int code, std::uint32_t k = 0, std::uint32_t jt = 0, std::uint32_t jf = 0) {
  return {static_cast<std::uint16_t>(code), static_cast<std::uint8_t>(jt), static_cast<std::uint8_t>(jf), k};
}

}  // namespace herd::seccomp::test
