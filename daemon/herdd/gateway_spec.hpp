// What a gateway is and does, from the configuration.
#pragma once

#include <string>
#include <vector>

#include "config/daemon_spec.hpp"
#include "config/pool_spec.hpp"
#include "protocol/gateway/settings.hpp"

namespace herd::daemon {

/// The pool whose workers are gateways: one, and a second while it is replaced.
config::PoolSpec gateway_pool(const std::string& program, const config::GatewayListenSpec& spec);
gateway::Settings gateway_settings(const config::GatewayListenSpec& spec,
                                   const std::vector<config::PoolSpec>& pools, const std::string& cookie_key);

}  // namespace herd::daemon
