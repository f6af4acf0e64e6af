// Asks a worker over its own address: is it there, is it well.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "common/units.hpp"

namespace herd::worker {

/// "" if `GET path` was answered with 2xx within the time, else a sentence that says what happened.
boost::asio::awaitable<std::string> probe_http(std::string address, std::string path, Duration timeout);
/// "" if a connection was accepted within the time.
boost::asio::awaitable<std::string> probe_connect(std::string address, Duration timeout);

}  // namespace herd::worker
