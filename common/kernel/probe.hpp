// Tries for real what this kernel lets this process do, in a child, so that nothing of the caller changes.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "common/error.hpp"

namespace herd::kernel {

/// What was seen, or why it can't be had.
using Attempt = std::function<Result<std::string>()>;

/// What `attempt` returns when it runs in a forked child. One that takes longer than `limit` is killed, with
/// the processes that it has started in its group, and is an error (ETIMEDOUT), as is one that a signal ends.
/// For a caller with one thread.
Result<std::string> probe(const Attempt& attempt, std::chrono::milliseconds limit);

}  // namespace herd::kernel
