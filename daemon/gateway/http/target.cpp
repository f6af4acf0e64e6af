#include "daemon/gateway/http/target.hpp"

#include <algorithm>

#include "daemon/gateway/http/characters.hpp"

namespace herd::gateway::http {
namespace {

constexpr Fault kBadTarget{400, "the target is not a path, or has a byte that no URI has"};
constexpr Fault kBadEscape{400, "a '%' in the path is not followed by two hex digits"};
constexpr Fault kControlInPath{400, "the path has an encoded control byte"};
constexpr Fault kDotSegment{400, "the path has a '.' or '..' segment"};
constexpr Fault kAsterisk{400, "the target '*' goes with OPTIONS only"};

constexpr std::string_view kScheme = "http://";
constexpr std::size_t kLongestPort = 5;
constexpr std::size_t kLongestHost = 255;

/// Follows a path byte by byte, as someone who decodes it would, and sees its segments.
class Segments {
 public:
  /// False: the segment that ends here is "." or "..".
  bool take(char c) {
    if (c == '/' || c == '\\') {
      const bool is_good = !is_dots();
      dots_ = 0;
      is_other_ = false;
      return is_good;
    }
    // What follows a ';' is a parameter of the segment, to those who know such.
    if (c == ';' && is_dots()) is_sealed_ = true;
    if (c == '.') {
      ++dots_;
    } else {
      is_other_ = true;
    }
    return !is_sealed_;
  }
  [[nodiscard]] bool is_dots() const { return !is_other_ && (dots_ == 1 || dots_ == 2); }

 private:
  int dots_ = 0;
  bool is_other_ = false, is_sealed_ = false;
};

const Fault* check_path(std::string_view path) {
  Segments segments;
  for (std::size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '%') {
      if (path.size() - i < 3) return &kBadEscape;
      const int high = hex_value(path[i + 1]), low = hex_value(path[i + 2]);
      if (high < 0 || low < 0) return &kBadEscape;
      c = static_cast<char>(high * 16 + low);
      if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return &kControlInPath;
      i += 2;
    }
    if (!segments.take(c)) return &kDotSegment;
  }
  return segments.is_dots() ? &kDotSegment : nullptr;
}

bool is_port(std::string_view port) {
  if (port.empty() || port.size() > kLongestPort) return false;
  int number = 0;
  for (const char c : port) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + (c - '0');
  }
  return number <= 65535;
}

bool is_ipv6(std::string_view text) {
  return text.size() >= 2 &&
         std::ranges::all_of(text, [](char c) { return hex_value(c) >= 0 || c == ':' || c == '.'; });
}

}  // namespace

std::string_view without_port(std::string_view host) {
  const std::size_t bracket = host.rfind(']'), colon = host.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) return host;
  return host.substr(0, colon);
}

bool is_host(std::string_view host) {
  const std::string_view name = without_port(host);
  if (name.empty() || name.size() > kLongestHost) return false;
  if (name.size() < host.size() && !is_port(host.substr(name.size() + 1))) return false;
  if (name.front() == '[') return name.back() == ']' && is_ipv6(name.substr(1, name.size() - 2));
  return is_all(name, kHostCharacter);
}

bool is_same_host(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

const Fault* parse_target(RequestHead& head) {
  std::string_view rest = head.target;
  if (rest.empty() || !is_all(rest, kTargetCharacter)) return &kBadTarget;
  if (rest == "*") {
    head.path = rest;
    return head.method == "OPTIONS" ? nullptr : &kAsterisk;
  }
  if (rest.size() > kScheme.size() && equals_ignoring_case(rest.substr(0, kScheme.size()), kScheme)) {
    rest.remove_prefix(kScheme.size());
    head.authority = rest.substr(0, rest.find_first_of("/?"));
    if (!is_host(head.authority)) return &kBadTarget;
    rest.remove_prefix(head.authority.size());
  }
  if (rest.empty() || rest.front() != '/') return &kBadTarget;
  const std::size_t question = rest.find('?');
  head.path = rest.substr(0, question);
  if (question != std::string_view::npos) head.query = rest.substr(question);
  return check_path(head.path);
}

}  // namespace herd::gateway::http
