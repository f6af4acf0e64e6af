// The cookie that names a client's session: NAME=SESSION.SIGNATURE. The signature is the gateway's (HMAC with
// SHA-256) and holds for one pool, so that a client can neither choose a session nor take one elsewhere.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace herd::gateway {

class CookieKey {
 public:
  /// 32 bytes in hex; anything else is a key of its own that no other gateway has.
  explicit CookieKey(std::string_view hex);

  /// The cookie's value.
  [[nodiscard]] std::string sign(std::string_view pool, std::string_view session) const;
  /// The session of a cookie's value; none where the signature is not right.
  [[nodiscard]] std::optional<std::string_view> verify(std::string_view pool, std::string_view value) const;

 private:
  [[nodiscard]] std::string signature(std::string_view pool, std::string_view session) const;
  std::array<unsigned char, 32> key_;
};

/// 128 bits from the kernel, in hex.
std::string random_session();

/// A Set-Cookie field's line. `prefix`: a route's, "/echo/", which a cookie calls "/echo".
std::string set_cookie_line(std::string_view name, std::string_view value, std::string_view prefix);

/// The values of one name in a Cookie field, one by one. Takes what it has read off `field`.
std::optional<std::string_view> next_cookie(std::string_view& field, std::string_view name);

}  // namespace herd::gateway
