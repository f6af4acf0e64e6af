#include "daemon/gateway/route_table.hpp"

#include <algorithm>

#include "daemon/gateway/http/target.hpp"
#include "protocol/control/routes.hpp"

namespace herd::gateway {
namespace {

constexpr http::Fault kTwoRoutes{400, "the path takes one route as it is written and another one decoded"};

}  // namespace

bool fits(std::string_view prefix, std::string_view path) {
  if (path.starts_with(prefix)) return true;
  return path.size() + 1 == prefix.size() && prefix.starts_with(path);
}

RouteTable::RouteTable(std::vector<Route> routes) : routes_(std::move(routes)) {
  std::ranges::stable_sort(routes_, [](const Route& a, const Route& b) {
    if (a.host.empty() != b.host.empty()) return b.host.empty();
    return a.prefix.size() > b.prefix.size();
  });
}

const Route* RouteTable::find(std::string_view host, std::string_view path) const {
  for (const Route& route : routes_) {
    if (fits(route.prefix, path) && (route.host.empty() || http::is_same_host(route.host, host)))
      return &route;
  }
  return nullptr;
}

Way find_way(const RouteTable& table, const http::RequestHead& head) {
  const std::string_view host = http::without_port(head.authority.empty() ? head.host : head.authority);
  const Route* route = table.find(host, head.path);
  if (head.path.find('%') == std::string_view::npos) return {route};
  const auto decoded = protocol::percent_decode(head.path);
  if (!decoded || table.find(host, *decoded) != route) return {nullptr, &kTwoRoutes};
  return {route};
}

}  // namespace herd::gateway
