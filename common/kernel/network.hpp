// Of a network namespace that the process has just got.
#pragma once

#include "common/error.hpp"

namespace herd::kernel {

/// A new namespace's loopback is down (network_namespaces(7)). Needs CAP_NET_ADMIN in it.
Status bring_loopback_up();

}  // namespace herd::kernel
