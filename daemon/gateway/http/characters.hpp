// Which bytes may stand where in a head (RFC 9110 5.6.2, 5.5; RFC 3986 3.3). One table for all of them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace herd::gateway::http {

enum Character : std::uint8_t {
  kTokenCharacter = 1,   // of a field's name
  kValueCharacter = 2,   // of a field's value: no control bytes but the tab
  kTargetCharacter = 4,  // of a target: visible ASCII, but '#', and what no URI has unencoded
  kHostCharacter = 8,    // of a host that is a name or an IPv4 address
};

namespace detail {

constexpr bool is_one_of(char c, std::string_view list) {
  return list.find(c) != std::string_view::npos;
}

constexpr std::array<std::uint8_t, 256> make_characters() {
  std::array<std::uint8_t, 256> table{};
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const bool letter_or_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    std::uint8_t bits = 0;
    if (letter_or_digit || (i != 0 && is_one_of(c, "!#$%&'*+-.^_`|~"))) bits |= kTokenCharacter;
    if (i == '\t' || (i >= ' ' && i != 0x7f)) bits |= kValueCharacter;
    if (i > ' ' && i < 0x7f && !is_one_of(c, "#\"<>\\^`")) bits |= kTargetCharacter;
    if (letter_or_digit || (i != 0 && is_one_of(c, "-._~"))) bits |= kHostCharacter;
    table[static_cast<std::size_t>(i)] = bits;
  }
  return table;
}

inline constexpr auto kCharacters = make_characters();

}  // namespace detail

constexpr bool is(char c, Character kind) {
  return (detail::kCharacters[static_cast<unsigned char>(c)] & kind) != 0;
}

constexpr bool is_all(std::string_view text, Character kind) {
  for (const char c : text) {
    if (!is(c, kind)) return false;
  }
  return true;
}

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// `lowered` is in lower case already.
constexpr bool equals_ignoring_case(std::string_view text, std::string_view lowered) {
  if (text.size() != lowered.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (lower(text[i]) != lowered[i]) return false;
  }
  return true;
}

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (lower(c) >= 'a' && lower(c) <= 'f') return lower(c) - 'a' + 10;
  return -1;
}

/// Without the blanks around it.
constexpr std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace herd::gateway::http
