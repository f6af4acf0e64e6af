// Asks a worker over its own address: is it there, is it well.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "common/unique_fd.hpp"
#include "common/units.hpp"

namespace herd::worker {

struct ProbeTarget {
  std::string address;  // "unix:/path" or "tcp:127.0.0.1:PORT"
  /// A TCP socket of the network in which the address holds; empty: it is the daemon's.
  UniqueFd socket;
};

/// "" if `GET path` was answered with 2xx within the time, else a sentence that says what happened.
boost::asio::awaitable<std::string> probe_http(ProbeTarget target, std::string path, Duration timeout);
/// "" if a connection was accepted within the time.
boost::asio::awaitable<std::string> probe_connect(ProbeTarget target, Duration timeout);

}  // namespace herd::worker
