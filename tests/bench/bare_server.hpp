// The peer of the control socket: Beast on a unix socket with one fixed answer and nothing behind it, in a
// process of its own as herdd is.
#pragma once

#include <string>

#include "tests/bench/process.hpp"

namespace herd::bench {

/// Listens once this returns. This process must have one thread only.
Result<Child> start_bare_server(const std::string& socket, const std::string& body);

}  // namespace herd::bench
