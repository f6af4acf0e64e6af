// A filter as a file descriptor that nobody can change: what a worker finds behind HERD_SECCOMP_FD.
#pragma once

#include "common/error.hpp"
#include "common/seccomp/compiler.hpp"
#include "common/unique_fd.hpp"

namespace herd::seccomp {

/// Close-on-exec; content: the sock_filter array, nothing else; offset 0; sealed against writing, growing,
/// shrinking and further seals.
Result<UniqueFd> to_sealed_memfd(const Program& program);

}  // namespace herd::seccomp
