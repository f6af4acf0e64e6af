// Puts a finished filter on this process, by one raw syscall and without libseccomp: for herd-exec, which is
// static and gets the filter as bytes. Set no-new-privs first (or have CAP_SYS_ADMIN).
#pragma once

#include <linux/filter.h>

#include <span>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::seccomp {

struct InstallOptions {
  /// SECCOMP_FILTER_FLAG_LOG: an audit record for every action but "allow". Policies errno and log want it.
  bool log_denials = false;
  /// SECCOMP_FILTER_FLAG_TSYNC: all threads of the process get it, or none does.
  bool all_threads = false;
};

/// There is no way back. An error means that no thread has the filter.
Status install(std::span<const sock_filter> program, const InstallOptions& options);

/// For a filter that asks: on this thread, with its listener, close-on-exec. Whoever's call is asked about
/// waits until somebody answers; once it was received nothing but SIGKILL ends that (Linux 5.19; before, a
/// signal does).
Result<UniqueFd> install_with_listener(std::span<const sock_filter> program);

}  // namespace herd::seccomp
