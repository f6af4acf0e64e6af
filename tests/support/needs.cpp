#include "tests/support/needs.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "tests/support/host.hpp"

namespace herd::test {

bool requires_kernel() {
  const char* value = std::getenv("HERD_REQUIRE_KERNEL");
  return value != nullptr && std::string_view(value) == "1";
}

bool kernel_is_at_least(int major, int minor) {
  utsname names{};
  ::uname(&names);
  int found_major = 0, found_minor = 0;
  std::sscanf(names.release, "%d.%d", &found_major, &found_minor);
  return std::pair(found_major, found_minor) >= std::pair(major, minor);
}

bool can_run_workers() {
  return ::geteuid() == 0 && !cgroup_mounts().empty();
}

}  // namespace herd::test
