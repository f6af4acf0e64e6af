// The kinds of values that a config file holds. A kind reads its value from a node, writes it back as the
// file would have it, and describes itself to people (`words`) and to JSON Schema: whatever is made from the
// field table asks it.
//
// A plain kind has `parse`: the message of a failure is then made from `words` alone, "found X, expected
// WORDS". A kind with parts (ListOf, MapOf, ReadyChoice) has `read` instead, and refuses each part at its own
// pointer.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/units.hpp"
#include "config/document.hpp"
#include "config/pool_spec.hpp"
#include "config/text.hpp"

namespace herd::config {

using Json = nlohmann::json;

/// "found X, expected WORDS", with advice where the slip is a known one.
std::string unexpected(const Node& node, const std::string& words, bool may_be_off,
                       const std::vector<std::string>& choices);

struct Boolean {
  using Value = bool;
  std::optional<bool> parse(const Node& node) const;
  Json write(bool value) const { return value; }
  std::string words() const { return "true or false"; }
  Json schema() const { return {{"type", "boolean"}}; }
};

template <typename T>
struct Integer {
  using Value = T;
  T min, max;

  std::optional<T> parse(const Node& node) const {
    // "1.5", "1e3" and numbers beyond T leave characters over or fail: no rounding, no wrapping.
    T value{};
    const char* end = node.text.data() + node.text.size();
    if (node.type != Node::Type::number) return std::nullopt;
    const auto [rest, error] = std::from_chars(node.text.data(), end, value);
    if (error != std::errc{} || rest != end || value < min || value > max) return std::nullopt;
    return value;
  }
  Json write(T value) const { return value; }
  std::string words() const {
    return "a whole number from " + std::to_string(min) + " to " + std::to_string(max);
  }
  Json schema() const { return {{"type", "integer"}, {"minimum", min}, {"maximum", max}}; }
};

struct Number {
  using Value = double;
  double min, max;
  std::optional<double> parse(const Node& node) const;
  Json write(double value) const { return value; }
  std::string words() const;
  Json schema() const { return {{"type", "number"}, {"minimum", min}, {"maximum", max}}; }
};

struct DurationIn {
  using Value = Duration;
  Duration min, max;
  std::optional<Duration> parse(const Node& node) const;
  Json write(Duration value) const { return format(value); }
  std::string words() const;
  Json schema() const { return {{"type", "string"}, {"pattern", "^[0-9]+(ms|s|m|h|d)$"}}; }
};

struct SizeIn {
  using Value = Bytes;
  Bytes min, max;
  std::optional<Bytes> parse(const Node& node) const;
  Json write(Bytes value) const { return format(value); }
  std::string words() const;
  Json schema() const { return {{"type", "string"}, {"pattern", "^[0-9]+(B|KiB|MiB|GiB|TiB)$"}}; }
};

/// One of a few words, each standing for a value.
template <typename T>
struct Word {
  using Value = T;
  std::vector<std::pair<std::string, T>> known;

  std::optional<T> parse(const Node& node) const {
    if (node.type != Node::Type::text) return std::nullopt;
    for (const auto& [word, value] : known) {
      if (word == node.text) return value;
    }
    return std::nullopt;
  }
  Json write(const T& value) const {
    for (const auto& [word, known_value] : known) {
      if (known_value == value) return word;
    }
    return nullptr;
  }
  std::vector<std::string> choices() const {
    std::vector<std::string> words;
    for (const auto& entry : known) words.push_back(entry.first);
    return words;
  }
  std::string words() const { return one_of(choices()); }
  Json schema() const { return {{"type", "string"}, {"enum", choices()}}; }
};

/// A string that passes a check.
struct Text {
  using Value = std::string;
  std::string what;  // completes "expected ..."
  bool (*is_valid)(std::string_view);
  bool may_be_absent = false;  // an empty value stands for: not in the file

  std::optional<std::string> parse(const Node& node) const;
  Json write(const std::string& value) const { return value.empty() && may_be_absent ? Json() : Json(value); }
  std::string words() const { return what; }
  Json schema() const { return {{"type", "string"}}; }
  [[nodiscard]] Text optional() const { return {what, is_valid, true}; }
};

Text any_text();
Text absolute_path();
Text clean_path();   // absolute, no "." or "..", not "/" itself
Text socket_path();  // a clean path that fits sockaddr_un
Text some_path();    // absolute or relative
Text http_path();    // begins with "/"
Text url_prefix();   // begins and ends with "/"
Text host_name();
Text header_name();
Text cookie_name();
Text parameter_name();  // of a URL's query
Text account_name();    // of a user or group; whether it exists is checked against the host
Text environment_name();
Text relative_name();  // path components of a cgroup below the hierarchy's top
Text listen_address();

/// "0660".
struct OctalMode {
  using Value = std::uint32_t;
  std::optional<std::uint32_t> parse(const Node& node) const;
  Json write(std::uint32_t mode) const;
  std::string words() const {
    return "a file mode as a string of four octal digits from \"0000\" to \"0777\"";
  }
  Json schema() const { return {{"type", "string"}, {"pattern", "^0[0-7]{3}$"}}; }
};

/// The kind, or the word "off".
template <typename Kind>
struct OrOff {
  using Value = std::optional<typename Kind::Value>;
  static constexpr bool kMayBeOff = true;
  Kind kind;

  std::optional<Value> parse(const Node& node) const {
    if (node.type == Node::Type::text && node.text == "off") return Value{};
    auto value = kind.parse(node);
    if (!value) return std::nullopt;
    return Value{std::move(*value)};
  }
  Json write(const Value& value) const { return value ? kind.write(*value) : Json("off"); }
  std::string words() const { return kind.words() + ", or \"off\""; }
  Json schema() const { return {{"anyOf", Json::array({kind.schema(), {{"const", "off"}}})}}; }
};
template <typename Kind>
OrOff(Kind) -> OrOff<Kind>;

/// Reads a value of a kind with or without parts; false where it was refused, and `value` is then untouched.
template <typename Kind>
bool read_value(const Kind& kind, const Node& node, const Place& place, typename Kind::Value& value) {
  if constexpr (requires { kind.parse(node); }) {
    auto parsed = kind.parse(node);
    if (!parsed) {
      std::vector<std::string> choices;
      if constexpr (requires { kind.choices(); }) choices = kind.choices();
      bool may_be_off = std::find(choices.begin(), choices.end(), "off") != choices.end();
      if constexpr (requires { Kind::kMayBeOff; }) may_be_off = Kind::kMayBeOff;
      place.refuse(unexpected(node, kind.words(), may_be_off, choices));
      return false;
    }
    value = std::move(*parsed);
    return true;
  } else {
    return kind.read(node, place, value);
  }
}

/// A list of the kind, without doubles where `is_set`.
template <typename Kind>
struct ListOf {
  using Value = std::vector<typename Kind::Value>;
  Kind kind;
  std::size_t min = 0, max = 1024;
  bool is_set = true;

  bool read(const Node& node, const Place& place, Value& value) const {
    if (node.type != Node::Type::list || node.items.size() < min || node.items.size() > max) {
      const std::string found =
          node.type == Node::Type::list
              ? "found a list of " + std::to_string(node.items.size()) + ", expected " + words()
              : unexpected(node, words(), false, {});
      place.refuse(found);
      return false;
    }
    Value items;
    bool is_good = true;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const Place at{place.issues, below(place.pointer, i), node.items[i].line};
      typename Kind::Value item{};
      if (!read_value(kind, node.items[i], at, item)) {
        is_good = false;
        continue;
      }
      const auto first = std::find(items.begin(), items.end(), item);
      if (is_set && first != items.end()) {
        at.refuse(quote(node.items[i].text) + " is given twice");
        is_good = false;
        continue;
      }
      items.push_back(std::move(item));
    }
    if (is_good) value = std::move(items);
    return is_good;
  }
  Json write(const Value& value) const {
    Json out = Json::array();
    for (const auto& item : value) out.push_back(kind.write(item));
    return out;
  }
  std::string words() const {
    return std::string(min > 0 ? "a list, not empty" : "a list") + ", each " + kind.words();
  }
  Json schema() const {
    Json out = {{"type", "array"}, {"items", kind.schema()}, {"maxItems", max}};
    if (min > 0) out["minItems"] = min;
    if (is_set) out["uniqueItems"] = true;
    return out;
  }
};

/// An object whose keys are not fields but names: the environment.
struct MapOf {
  using Value = std::map<std::string, std::string>;
  Text key, value;
  bool read(const Node& node, const Place& place, Value& out) const;
  Json write(const Value& map) const { return map; }
  std::string words() const { return "an object; each key " + key.words() + ", each value " + value.words(); }
  Json schema() const { return {{"type", "object"}, {"additionalProperties", value.schema()}}; }
};

/// One of the keys of `ready` that say what being ready means; the others and the timeout stay as they are.
struct ReadyChoice {
  using Value = ReadySpec;
  ReadyKind kind;
  bool read(const Node& node, const Place& place, ReadySpec& value) const;
  Json write(const ReadySpec& value) const;
  std::string words() const { return kind == ReadyKind::http ? http_path().words() : "true"; }
  Json schema() const;
};

/// One of the keys of a gateway's `session` that say where a request names its session.
struct SessionPlaceChoice {
  using Value = SessionPlaceSpec;
  SessionPlaceKind kind;
  bool read(const Node& node, const Place& place, SessionPlaceSpec& value) const;
  Json write(const SessionPlaceSpec& value) const;
  std::string words() const;
  Json schema() const;

 private:
  [[nodiscard]] Text name_kind() const;
};

}  // namespace herd::config
