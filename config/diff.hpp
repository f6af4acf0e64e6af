// What a reload would change, field by field, and how each change gets to what already runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/fields.hpp"

namespace herd::config {

struct Change {
  std::string pointer;
  Applies applies = Applies::live;
  std::string before, after;  // as JSON; "absent" or "off" where there is none
  bool operator==(const Change&) const = default;
};

/// In the table's order. `name` and `file` are not compared: they say where a definition is from.
std::vector<Change> diff(const PoolSpec& before, const PoolSpec& after);
std::vector<Change> diff(const DaemonSpec& before, const DaemonSpec& after);

/// `live` where nothing changed.
Applies strongest(const std::vector<Change>& changes);

}  // namespace herd::config
