#include "cli/doctor/place.hpp"

#include <unistd.h>

namespace herd::doctor {

Place take_herdds_place() {
  auto ids = geteuid() == 0 ? kernel::read_own_ids() : kernel::become_root_of_own_namespace();
  if (ids) return {std::move(*ids), {}};
  return {kernel::read_own_ids().value_or(kernel::OwnIds{}), ids.error()};
}

}  // namespace herd::doctor
