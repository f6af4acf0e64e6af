#include "daemon/gateway/http/head.hpp"

#include <algorithm>
#include <cstring>

#include "daemon/gateway/http/characters.hpp"

namespace herd::gateway::http {

void Head::clear() {
  minor_version = 1;
  fields.clear();
  framing = {};
  connection.close = connection.keep_alive = connection.upgrade = false;
  connection.named.clear();
  upgrade = {};
}

bool Head::is_hop_by_hop(const Field& field) const {
  switch (field.known) {
    case Name::connection:
    case Name::upgrade:
    case Name::hop_by_hop:
      return true;
    case Name::host:
    case Name::content_length:
    case Name::transfer_encoding:
      return false;
    default:
      return std::ranges::any_of(connection.named, [&](std::string_view name) {
        return std::ranges::equal(field.name, name, {}, lower, lower);
      });
  }
}

bool RequestHead::is_safe() const {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE";
}

std::optional<std::size_t> HeadEnd::find(std::string_view bytes) {
  while (looked_ < bytes.size()) {
    const void* found = std::memchr(bytes.data() + looked_, '\n', bytes.size() - looked_);
    if (found == nullptr) {
      looked_ = bytes.size();
      return std::nullopt;
    }
    const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
    if (at == line_ || bytes[at - 1] != '\r') {
      is_bad_ = true;
      return std::nullopt;
    }
    looked_ = at + 1;
    if (at == line_ + 1) return looked_;
    line_ = looked_;
  }
  return std::nullopt;
}

}  // namespace herd::gateway::http
