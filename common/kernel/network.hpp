// Network namespaces (network_namespaces(7)).
#pragma once

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::kernel {

/// Of the calling thread's namespace, which is new: there it is down. Needs CAP_NET_ADMIN in it.
Status bring_loopback_up();

/// A new one, which lives by the fd and by whoever enters it; the calling thread is back in its own on
/// return. Needs CAP_SYS_ADMIN. ENOSPC: there are user.max_net_namespaces already.
Result<UniqueFd> make_network_namespace(bool loopback_up);

}  // namespace herd::kernel
