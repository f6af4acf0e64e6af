// What herdd tells a gateway to do, whole: it replaces what was told before.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"

namespace herd::gateway {

using Milliseconds = std::chrono::milliseconds;

/// Where a request names its session.
struct SessionPlace {
  enum class Kind { header, cookie, path, query };
  Kind kind = Kind::header;
  std::string name = "X-Session-ID";  // of the header, the cookie or the query's parameter; path: empty
  bool issues = false;                // cookie: a client that has none gets one, with a random session
  auto operator<=>(const SessionPlace&) const = default;
};

/// The way to one pool. Of several that fit the one with a host comes first, then the longest prefix.
struct Route {
  std::string pool;
  std::string prefix = "/";  // begins and ends with "/"; "/echo/" has "/echo", too
  std::string host;          // without a port, in lower case; empty: any
  SessionPlace session;
  bool creates = true;         // false: an unknown session is 404
  bool strips_prefix = false;  // what the worker sees is without the prefix, and the path's session
  std::optional<Milliseconds> request_timeout;      // from its head to its answer's end
  std::optional<Milliseconds> tunnel_idle_timeout;  // without a byte either way
  Milliseconds answer_timeout{60'000};  // herdd says yes or no to an Acquire by then, or there is no herdd
  Milliseconds hold{};                  // so long may a session rest before herdd is told that it does
  auto operator<=>(const Route&) const = default;
};

/// Each has its name in an answer and in the metrics where it ends something.
struct Limits {
  std::size_t header_bytes =
      32 << 10;  // of a request, with its first line; a worker's answer may have as many
  int headers = 100;
  Milliseconds header_timeout{10'000};  // from the first byte of a request to its head's end
  Milliseconds body_timeout{30'000};    // a client sends nothing of its body, or takes nothing of its answer
  Milliseconds keep_alive_timeout{75'000};  // between two requests
  Milliseconds connect_timeout{5'000};      // to a worker
  int connections = 10'000;                 // of clients, all listeners together
  int connections_of_address = 1'000;       // of one IP address; a unix socket's clients are not counted so
  int idle_connections = 8;                 // that are kept to one worker, on each thread
  auto operator<=>(const Limits&) const = default;
};

struct Settings {
  std::vector<Route> routes;
  Limits limits;
  int threads = 1;         // as the gateway was started; a change takes a new one
  std::string cookie_key;  // 32 bytes in hex: what cookies are signed with
  bool operator==(const Settings&) const = default;
};

std::string to_json(const Settings& settings);
Result<Settings> parse_settings(const std::string& text);

}  // namespace herd::gateway
