// One call that a filter denies: getppid(2), which can't fail by itself, so an error of it is the filter's.
#pragma once

#include <sys/syscall.h>

namespace herd::doctor {

inline constexpr int kDeniedCall = SYS_getppid;
bool is_getppid_denied();

}  // namespace herd::doctor
