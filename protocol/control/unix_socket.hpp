// Connecting to a unix socket by path, in words that say what went wrong.
#pragma once

#include <string>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::protocol {

/// The longest path that sockaddr_un holds.
inline constexpr std::size_t kMaxSocketPath = 107;

/// Non-blocking and close-on-exec. The error's errno is connect's own.
Result<UniqueFd> connect_unix(const std::string& path);

}  // namespace herd::protocol
