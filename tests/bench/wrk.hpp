// The load generator wrk, with one thread.
#pragma once

#include <cstdint>
#include <string>

#include "common/error.hpp"

namespace herd::bench {

struct Load {
  double requests_a_second = 0;
  std::uint64_t requests = 0;
};

/// Requests of `session` as fast as they are answered, on so many connections. An answer other than 2xx, and
/// a connection that breaks, is an error.
Result<Load> run_wrk(std::uint16_t port, const std::string& session, int connections, int seconds);

}  // namespace herd::bench
