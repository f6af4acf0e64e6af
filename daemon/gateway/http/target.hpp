// A request's target and host: split, and checked for what two readers would read differently.
#pragma once

#include <string_view>

#include "daemon/gateway/http/head.hpp"

namespace herd::gateway::http {

/// Fills path, query and authority from the head's target.
const Fault* parse_target(RequestHead& head);

/// A name, an IPv4 address or an IPv6 address in brackets, and a port or none.
bool is_host(std::string_view host);
/// Without its port, as it is written.
std::string_view without_port(std::string_view host);
bool is_same_host(std::string_view a, std::string_view b);

}  // namespace herd::gateway::http
