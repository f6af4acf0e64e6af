// Network namespaces (network_namespaces(7)).
#pragma once

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::kernel {

/// Of the calling thread's namespace, which is new: there it is down. Needs CAP_NET_ADMIN in it.
Status bring_loopback_up();

/// The calling thread is in a new one on return, for good. Needs CAP_SYS_ADMIN. ENOSPC: there are
/// user.max_net_namespaces already.
Status enter_new_network_namespace();

/// A new one, which lives by the fd and by whoever enters it; the calling thread is back in its own on
/// return: it has to have CAP_SYS_ADMIN over that one too. Errors as above.
Result<UniqueFd> make_network_namespace(bool loopback_up);

}  // namespace herd::kernel
