// What no field can say by itself: rules between fields, and what has to be there on this host.
#pragma once

#include "config/daemon_spec.hpp"
#include "config/document.hpp"
#include "config/host.hpp"
#include "config/issue.hpp"
#include "config/pool_spec.hpp"

namespace herd::config {

/// `document` is what `spec` was read from: it tells what was written and where. A rule is silent where a
/// value that it stands on was refused already.
void check_pool(const PoolSpec& spec, const Node& document, const HostFacts& facts, Issues& issues);
void check_daemon(const DaemonSpec& spec, const Node& document, const HostFacts& facts, Issues& issues);

/// Why a file's name can't be a pool's; empty if it can. The name is a directory and a part of worker ids.
std::string pool_name_problem(std::string_view name);

/// Each of the names has to exist on the host.
void check_accounts(const std::vector<std::string>& users, const std::vector<std::string>& groups,
                    const std::string& pointer, const Node& document, const HostFacts& facts, Issues& issues);

}  // namespace herd::config
