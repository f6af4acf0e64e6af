#include "tests/support/needs.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "tests/support/host.hpp"

namespace herd::test {

bool requires_kernel() {
  const char* value = std::getenv("HERD_REQUIRE_KERNEL");
  return value != nullptr && std::string_view(value) == "1";
}

bool can_run_workers() {
  return ::geteuid() == 0 && !cgroup_mounts().empty();
}

}  // namespace herd::test
