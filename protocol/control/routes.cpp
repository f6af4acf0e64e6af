#include "protocol/control/routes.hpp"

#include <stdexcept>

namespace herd::protocol {
namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string fill(std::string_view pattern, std::initializer_list<std::string_view> values) {
  std::string path;
  auto value = values.begin();
  while (!pattern.empty()) {
    const std::size_t open = pattern.find('{');
    path += pattern.substr(0, open);
    if (open == std::string_view::npos) break;
    if (value == values.end()) throw std::logic_error("route with too few values: " + path);
    path += percent_encode(*value++);
    pattern.remove_prefix(pattern.find('}', open) + 1);
  }
  if (value != values.end()) throw std::logic_error("route with too many values: " + path);
  return path;
}

std::string percent_encode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return encoded;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

bool is_session_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxSessionName) return false;
  for (const char c : name) {
    if (!is_alphanumeric(c) && std::string_view("._~:@-").find(c) == std::string_view::npos) return false;
  }
  return true;
}

}  // namespace herd::protocol
