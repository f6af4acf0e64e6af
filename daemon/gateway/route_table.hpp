// Which way a request goes: by its host and the longest prefix of its path.
#pragma once

#include <string_view>
#include <vector>

#include "daemon/gateway/http/head.hpp"
#include "protocol/gateway/settings.hpp"

namespace herd::gateway {

class RouteTable {
 public:
  explicit RouteTable(std::vector<Route> routes);

  /// Null: none fits. `host` without its port.
  [[nodiscard]] const Route* find(std::string_view host, std::string_view path) const;

 private:
  std::vector<Route> routes_;  // the first that fits is the one
};

/// "/echo/" fits "/echo/..." and "/echo".
bool fits(std::string_view prefix, std::string_view path);

struct Way {
  const Route* route = nullptr;
  const http::Fault* fault = nullptr;  // the path means one route as it came and another one decoded
};
Way find_way(const RouteTable& table, const http::RequestHead& head);

}  // namespace herd::gateway
