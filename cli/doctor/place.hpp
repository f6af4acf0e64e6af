// Where the checks run: where herdd would be if the caller started it.
#pragma once

#include <optional>

#include "common/error.hpp"
#include "common/kernel/user_namespace.hpp"

namespace herd::doctor {

struct Place {
  kernel::OwnIds ids;
  std::optional<Error> no_namespace;  // why an ordinary user's herdd can't have its user namespace

  [[nodiscard]] bool is_ordinary_users() const { return ids.is_rootless || no_namespace.has_value(); }
};

/// Root's is the one that it is in; an ordinary user's is a user namespace of its own, and this process is in
/// it from here on. Before there is a second thread.
Place take_herdds_place();

}  // namespace herd::doctor
