// The session that a request names, at the place that its route says.
#pragma once

#include <string>
#include <string_view>

#include "daemon/gateway/cookie.hpp"
#include "daemon/gateway/http/head.hpp"
#include "protocol/gateway/settings.hpp"

namespace herd::gateway {

struct NamedSession {
  enum class Found { yes, none, bad_name, several };
  Found found = Found::none;
  std::string_view name;       // into the head, or into `text`
  std::size_t path_bytes = 0;  // of the head's path: the session's segment, with the '/' before it
};

/// `text`: where a name is put that is not written in the head as it is.
NamedSession find_session(const Route& route, const http::RequestHead& head, const CookieKey& key,
                          std::string& text);

}  // namespace herd::gateway
