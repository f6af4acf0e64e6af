#include "cli/doctor/denied_call.hpp"

#include <unistd.h>

#include <cerrno>

namespace herd::doctor {

bool is_getppid_denied() {
  return syscall(kDeniedCall) < 0 && errno == EPERM;
}

}  // namespace herd::doctor
