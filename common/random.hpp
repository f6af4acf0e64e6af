// Random bytes from the kernel, as text.
#pragma once

#include <cstddef>
#include <string>

namespace herd {

/// `bytes` (at most 256) of them in hexadecimal digits. Throws std::runtime_error where the kernel has none.
std::string random_hex(std::size_t bytes);

}  // namespace herd
