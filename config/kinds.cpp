#include "config/kinds.hpp"

#include <sys/un.h>

#include <array>
#include <cmath>

namespace herd::config {
namespace {

constexpr std::size_t kMaxPath = 4095;  // PATH_MAX with its NUL
constexpr std::size_t kMaxName = 256;

std::string show(const Node& node) {
  switch (node.type) {
    case Node::Type::null:
      return "null";
    case Node::Type::boolean:
      return node.boolean ? "true" : "false";
    case Node::Type::number:
      return node.text.substr(0, 64);
    case Node::Type::text:
      return quote(node.text);
    case Node::Type::list:
      return "a list";
    case Node::Type::object:
      return "an object";
  }
  return "";
}

/// A zero, bare or with a unit, or a value that other programs use for "none".
bool looks_like_none(const Node& node) {
  if (node.type == Node::Type::null || node.type == Node::Type::boolean) return true;
  const std::string digits = node.text.substr(0, node.text.find_first_not_of("0123456789"));
  if (node.type == Node::Type::text && (node.text.empty() || node.text == "none" || node.text == "never"))
    return true;
  return !digits.empty() && digits.find_first_not_of('0') == std::string::npos;
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

/// Every character a letter, a digit or one of `others`.
bool only(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter(c) || is_digit(c) || others.find(c) != std::string_view::npos;
  });
}

bool is_absolute(std::string_view path) {
  return path.size() <= kMaxPath && path.substr(0, 1) == "/" && !has_nul(path);
}

bool has_clean_components(std::string_view path) {
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view component = path.substr(0, slash);
    if (component.empty() || component == "." || component == "..") return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

bool is_clean(std::string_view path) {
  return is_absolute(path) && has_clean_components(path.substr(1));
}

bool is_host_and_port(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view host = address.substr(0, colon);
  const std::string_view port = address.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    if (!only(host.substr(1, host.size() - 2), ":.%")) return false;
  } else if (host.empty() || host.size() > kMaxName || !only(host, ".-")) {
    return false;
  }
  std::uint16_t number = 0;
  const auto [rest, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc{} && rest == port.data() + port.size() && number > 0;
}

std::string plain(double number) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  return {buffer.data(), end};
}

}  // namespace

std::string unexpected(const Node& node, const std::string& words, bool may_be_off,
                       const std::vector<std::string>& choices) {
  std::string out = "found " + show(node) + ", expected " + words;
  if (node.type == Node::Type::text && node.text == "off" && !may_be_off) {
    return out + "; this can't be turned off";
  }
  if (may_be_off && looks_like_none(node)) return out + "; the word for none is \"off\"";
  if (node.type == Node::Type::text) {
    if (const auto near = nearest(node.text, choices)) return out + "; did you mean " + quote(*near) + "?";
  }
  return out;
}

std::optional<bool> Boolean::parse(const Node& node) const {
  if (node.type != Node::Type::boolean) return std::nullopt;
  return node.boolean;
}

std::optional<double> Number::parse(const Node& node) const {
  if (node.type != Node::Type::number) return std::nullopt;
  double value = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [rest, error] = std::from_chars(node.text.data(), end, value);
  if (error != std::errc{} || rest != end || !std::isfinite(value) || value < min || value > max)
    return std::nullopt;
  return value;
}

std::string Number::words() const {
  return "a number from " + plain(min) + " to " + plain(max);
}

std::optional<Duration> DurationIn::parse(const Node& node) const {
  if (node.type != Node::Type::text) return std::nullopt;
  const auto value = parse_duration(node.text);
  if (!value || *value < min || *value > max) return std::nullopt;
  return *value;
}

std::string DurationIn::words() const {
  return R"(a duration such as "250ms", "5s", "2m" or "1h", from )" + quote(format(min)) + " to " +
         quote(format(max));
}

std::optional<Bytes> SizeIn::parse(const Node& node) const {
  if (node.type != Node::Type::text) return std::nullopt;
  const auto value = parse_bytes(node.text);
  if (!value || *value < min || *value > max) return std::nullopt;
  return *value;
}

std::string SizeIn::words() const {
  return R"(a size such as "512KiB", "256MiB" or "2GiB", from )" + quote(format(min)) + " to " +
         quote(format(max));
}

std::optional<std::string> Text::parse(const Node& node) const {
  if (node.type != Node::Type::text || !is_valid(node.text)) return std::nullopt;
  return node.text;
}

Text any_text() {
  return {"a string without NUL", [](std::string_view text) { return !has_nul(text); }};
}

Text absolute_path() {
  return {"an absolute path, as \"/srv/app\"", is_absolute};
}

Text clean_path() {
  return {"an absolute path below \"/\", without \".\", \"..\" or \"//\" and without a \"/\" at its end",
          is_clean};
}

Text socket_path() {
  return {
      "an absolute path without \".\" or \"..\", at most 107 bytes (the kernel's limit for unix sockets)",
      [](std::string_view path) { return is_clean(path) && path.size() < sizeof(sockaddr_un::sun_path); }};
}

Text some_path() {
  return {"a path, not empty",
          [](std::string_view path) { return !path.empty() && path.size() <= kMaxPath && !has_nul(path); }};
}

Text http_path() {
  return {"a path that begins with \"/\", as \"/health\", without spaces", [](std::string_view path) {
            return path.size() <= 1024 && path.substr(0, 1) == "/" &&
                   std::all_of(path.begin(), path.end(),
                               [](char c) { return c > ' ' && c < '\x7f' && c != '#'; });
          }};
}

Text url_prefix() {
  return {"a path that begins and ends with \"/\", as \"/echo/\", of letters, digits and -._~",
          [](std::string_view prefix) {
            if (prefix == "/") return true;
            return prefix.size() > 2 && prefix.size() <= 1024 && prefix.front() == '/' &&
                   prefix.back() == '/' && only(prefix, "/-._~") &&
                   has_clean_components(prefix.substr(1, prefix.size() - 2));
          }};
}

Text header_name() {
  return {"the name of an HTTP header, as \"X-Session-ID\"", [](std::string_view name) {
            return !name.empty() && name.size() <= kMaxName && only(name, "!#$%&'*+-.^_`|~");
          }};
}

Text cookie_name() {
  return {"the name of a cookie, of letters, digits, _ and -",
          [](std::string_view name) { return !name.empty() && name.size() <= kMaxName && only(name, "_-"); }};
}

Text parameter_name() {
  return {"the name of a query's parameter, of letters, digits and -._~", [](std::string_view name) {
            return !name.empty() && name.size() <= kMaxName && only(name, "-._~");
          }};
}

Text host_name() {
  return {"a host's name in lower case, without a port, as \"echo.example.org\"", [](std::string_view name) {
            return !name.empty() && name.size() <= kMaxName && only(name, "-.") &&
                   std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
          }};
}

Text account_name() {
  return {"a name, not empty, without \":\", \"/\" or control characters", [](std::string_view name) {
            return !name.empty() && name.size() <= kMaxName &&
                   std::all_of(name.begin(), name.end(), [](char c) {
                     return c != ':' && c != '/' && c != '\x7f' && static_cast<unsigned char>(c) >= ' ';
                   });
          }};
}

Text environment_name() {
  return {"the name of an environment variable (letters, digits and _, no digit first)",
          [](std::string_view name) {
            return !name.empty() && name.size() <= kMaxName && !is_digit(name.front()) && only(name, "_");
          }};
}

Text relative_name() {
  return {
      "a name below the top of each cgroup hierarchy, as \"herd\" or \"apps/herd\", of letters, digits and "
      "-._",
      [](std::string_view name) {
        return name.size() <= kMaxName && only(name, "/-._") && has_clean_components(name);
      }};
}

Text listen_address() {
  return {R"("HOST:PORT", as "127.0.0.1:8080" or "[::1]:8080", or "unix:/path")",
          [](std::string_view address) {
            constexpr std::string_view kUnix = "unix:";
            if (address.substr(0, kUnix.size()) != kUnix) return is_host_and_port(address);
            return socket_path().is_valid(address.substr(kUnix.size()));
          }};
}

std::optional<std::uint32_t> OctalMode::parse(const Node& node) const {
  if (node.type != Node::Type::text || node.text.size() != 4 || node.text[0] != '0') return std::nullopt;
  if (node.text.find_first_not_of("01234567") != std::string::npos) return std::nullopt;
  std::uint32_t mode = 0;
  for (const char c : node.text) mode = mode * 8 + static_cast<std::uint32_t>(c - '0');
  return mode;
}

Json OctalMode::write(std::uint32_t mode) const {
  std::string out = "0000";
  for (std::size_t i = 4; i-- > 1; mode /= 8) out[i] = static_cast<char>('0' + mode % 8);
  return out;
}

bool MapOf::read(const Node& node, const Place& place, Value& out) const {
  constexpr std::size_t kMaxEntries = 1024;
  if (node.type != Node::Type::object || node.members.size() > kMaxEntries) {
    place.refuse(node.type == Node::Type::object ? "more than " + std::to_string(kMaxEntries) + " entries"
                                                 : unexpected(node, words(), false, {}));
    return false;
  }
  Value map;
  bool is_good = true;
  for (const Member& member : node.members) {
    const Place at{place.issues, below(place.pointer, member.name), member.line};
    std::string text;
    if (!key.is_valid(member.name)) {
      at.refuse("found the key " + quote(member.name) + ", expected " + key.words());
      is_good = false;
    } else if (!read_value(value, member.value, at, text)) {
      is_good = false;
    } else {
      map.emplace(member.name, std::move(text));
    }
  }
  if (is_good) out = std::move(map);
  return is_good;
}

bool ReadyChoice::read(const Node& node, const Place& place, ReadySpec& value) const {
  if (kind == ReadyKind::http) {
    if (!read_value(http_path(), node, place, value.http_path)) return false;
  } else if (node.type != Node::Type::boolean || !node.boolean) {
    place.refuse(unexpected(node, "true", false, {}) +
                 "; to choose another, leave this key out and write the other one");
    return false;
  }
  value.kind = kind;
  return true;
}

Json ReadyChoice::write(const ReadySpec& value) const {
  if (value.kind != kind) return nullptr;
  return kind == ReadyKind::http ? Json(value.http_path) : Json(true);
}

Json ReadyChoice::schema() const {
  return kind == ReadyKind::http ? http_path().schema() : Json{{"const", true}};
}

Text SessionPlaceChoice::name_kind() const {
  if (kind == SessionPlaceKind::header) return header_name();
  return kind == SessionPlaceKind::cookie ? cookie_name() : parameter_name();
}

bool SessionPlaceChoice::read(const Node& node, const Place& place, SessionPlaceSpec& value) const {
  std::string name;
  if (kind != SessionPlaceKind::path) {
    if (!read_value(name_kind(), node, place, name)) return false;
  } else if (node.type != Node::Type::boolean || !node.boolean) {
    place.refuse(unexpected(node, "true", false, {}) +
                 "; to choose another place, leave this key out and write the other one");
    return false;
  }
  value = {kind, std::move(name)};
  return true;
}

Json SessionPlaceChoice::write(const SessionPlaceSpec& value) const {
  if (value.kind != kind) return nullptr;
  return kind == SessionPlaceKind::path ? Json(true) : Json(value.name);
}

std::string SessionPlaceChoice::words() const {
  return kind == SessionPlaceKind::path ? "true" : name_kind().words();
}

Json SessionPlaceChoice::schema() const {
  return kind == SessionPlaceKind::path ? Json{{"const", true}} : name_kind().schema();
}

}  // namespace herd::config
