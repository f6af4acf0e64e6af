#include "cli/doctor/denied_call.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "common/seccomp/deny_one.hpp"

namespace herd::doctor {

Status deny_getppid(const seccomp::InstallOptions& options) {
  return seccomp::deny_one(SYS_getppid, options);
}

bool is_getppid_denied() {
  return syscall(SYS_getppid) < 0 && errno == EPERM;
}

}  // namespace herd::doctor
