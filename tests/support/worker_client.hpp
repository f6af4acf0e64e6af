// What a worker says when it is asked, over its own socket.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "common/unique_fd.hpp"

namespace herd::test {

using Json = nlohmann::json;

/// To "unix:/path" or "tcp:127.0.0.1:PORT"; empty where nobody takes the connection.
UniqueFd connect_to(const std::string& address);

/// The JSON body of GET `path`; null where the connection ended without an answer (the worker died of the
/// request).
Json ask(const std::string& address, const std::string& path);

}  // namespace herd::test
