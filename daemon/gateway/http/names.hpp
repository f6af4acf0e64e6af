// The fields that the gateway knows.
#pragma once

#include <cstdint>
#include <string_view>

namespace herd::gateway::http {

enum class Name : std::uint8_t {
  other,
  host,
  content_length,
  transfer_encoding,
  connection,
  upgrade,
  expect,
  cookie,
  hop_by_hop,  // Keep-Alive, Proxy-Connection, Proxy-Authorization, TE
  forwarded,   // Forwarded, X-Forwarded-*, X-Request-ID, X-Herd-*: what only the gateway says
};

/// '_' is as good as '-': many frameworks make one variable of both. A framing field that is written so is
/// still recognised, for the parser to refuse.
Name known_name(std::string_view name);

/// The two are the same for a worker that does not tell '_' from '-'. `lowered` is in lower case.
bool is_same_name(std::string_view name, std::string_view lowered);

}  // namespace herd::gateway::http
