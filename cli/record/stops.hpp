// What is done with a traced process that stopped (ptrace(2)): all but its calls goes on as if nobody looked.
#pragma once

#include <linux/seccomp.h>
#include <sys/types.h>

#include <optional>

#include "common/error.hpp"

namespace herd::record {

/// With its descendants, of any kind; all are killed when this process ends. The caller may then install a
/// filter that returns SECCOMP_RET_TRACE.
Status trace(pid_t child);

/// The call before which it stopped; nothing for a stop of another kind. `wait_status` is waitpid(2)'s.
std::optional<seccomp_data> call_in(pid_t pid, int wait_status);
/// Has the call answered with ENOSYS.
void refuse_call(pid_t pid);
/// After a stop of any kind.
void let_go_on(pid_t pid, int wait_status);

}  // namespace herd::record
