#include "daemon/gateway/cookie.hpp"

#include <sodium.h>

#include "daemon/gateway/http/characters.hpp"

namespace herd::gateway {
namespace {

constexpr std::size_t kSessionBytes = 16;

std::string hex(const unsigned char* bytes, std::size_t count) {
  std::string text(count * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes, count);
  text.pop_back();
  return text;
}

bool is_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

static_assert(crypto_auth_hmacsha256_KEYBYTES == 32);

CookieKey::CookieKey(std::string_view hex) {
  std::size_t size = 0;
  if (sodium_hex2bin(key_.data(), key_.size(), hex.data(), hex.size(), nullptr, &size, nullptr) != 0 ||
      size != key_.size())
    randombytes_buf(key_.data(), key_.size());
}

std::string CookieKey::signature(std::string_view pool, std::string_view session) const {
  // No pool's name has a line feed, so no two pairs are the same text.
  const std::string text = std::string(pool) + '\n' + std::string(session);
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> code;
  crypto_auth_hmacsha256(code.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                         key_.data());
  return hex(code.data(), code.size());
}

std::string CookieKey::sign(std::string_view pool, std::string_view session) const {
  return std::string(session) + '.' + signature(pool, session);
}

std::optional<std::string_view> CookieKey::verify(std::string_view pool, std::string_view value) const {
  const std::size_t dot = value.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view session = value.substr(0, dot);
  if (!is_equal(value.substr(dot + 1), signature(pool, session))) return std::nullopt;
  return session;
}

std::string random_session() {
  std::array<unsigned char, kSessionBytes> bytes;
  randombytes_buf(bytes.data(), bytes.size());
  return hex(bytes.data(), bytes.size());
}

std::string set_cookie_line(std::string_view name, std::string_view value, std::string_view prefix) {
  if (prefix.size() > 1) prefix.remove_suffix(1);
  std::string line = "Set-Cookie: ";
  line.append(name).append("=").append(value);
  line.append("; Path=").append(prefix).append("; HttpOnly; SameSite=Lax\r\n");
  return line;
}

std::optional<std::string_view> next_cookie(std::string_view& field, std::string_view name) {
  while (!field.empty()) {
    const std::size_t end = field.find(';');
    const std::string_view pair = http::without_blanks(field.substr(0, end));
    field.remove_prefix(end == std::string_view::npos ? field.size() : end + 1);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
      return pair.substr(name.size() + 1);
  }
  return std::nullopt;
}

}  // namespace herd::gateway
