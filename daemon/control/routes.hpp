// What can be asked, by whom: one table. The handlers only decide; the connection carries their outcome out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "daemon/control/service.hpp"
#include "daemon/control/streams.hpp"
#include "protocol/control/messages.hpp"

namespace herd::control {

/// The least that a caller must be. `client`: a client of the pool named in the path, or an operator.
enum class Access { anyone, observer, client, operator_, admin };

struct Call {
  Service& service;
  const Peer& peer;
  std::string pool, session, worker;  // the path's parts, decoded
  std::string_view query, body;
};

struct Answer {
  unsigned status = 200;
  std::string body;
  std::string_view content_type = protocol::kJsonType;
  std::string allow;  // 405: the methods that there are
  std::optional<int> retry_after_seconds;
};
Answer to_answer(const ApiError& error);

/// An answer to write, an acquire to wait for, or a stream to follow.
using Outcome = std::variant<Answer, AcquireCall, std::unique_ptr<LineSource>>;

struct Route {
  std::string_view method;
  std::string_view pattern;
  Access access;
  ApiResult<Outcome> (*handler)(const Call& call);
};
std::span<const Route> routes();

/// Finds the route, checks that the peer may take it, and asks its handler.
Outcome dispatch(Service& service, const Peer& peer, std::string_view method, std::string_view target,
                 std::string_view body);

}  // namespace herd::control
