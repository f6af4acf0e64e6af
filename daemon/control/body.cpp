#include "daemon/control/body.hpp"

#include <algorithm>
#include <charconv>

#include "protocol/control/messages.hpp"
#include "protocol/control/nearest.hpp"
#include "protocol/control/routes.hpp"

namespace herd::control {
namespace {

std::string in_quotes(std::string_view text) {
  return "'" + std::string(text.substr(0, 64)) + "'";
}

std::string listed(std::span<const std::string_view> known) {
  if (known.empty()) return "none is known here";
  std::string list = "known:";
  for (const std::string_view word : known) list += (word == known.front() ? " " : ", ") + std::string(word);
  return list;
}

tl::unexpected<ApiError> unknown_word(const char* what, std::string_view word,
                                      std::span<const std::string_view> known) {
  ApiError error = bad_request("unknown " + std::string(what) + " " + in_quotes(word) +
                               protocol::did_you_mean(word, known));
  error.hint = listed(known);
  return tl::make_unexpected(std::move(error));
}

tl::unexpected<ApiError> wrong_type(const char* key, const char* expected, const Json& found) {
  return tl::make_unexpected(
      bad_request(in_quotes(key) + " must be " + expected + ", this is " + found.type_name()));
}

/// The library's sentence without its own error number: "parse error at line 1, column 2: ...".
std::string position_and_cause(const char* what) {
  const std::string_view text(what);
  const std::size_t end = text.find("] ");
  return std::string(end == std::string_view::npos ? text : text.substr(end + 2));
}

}  // namespace

ApiError bad_request(std::string message) {
  return {400, protocol::code::kBadRequest, std::move(message)};
}

ApiResult<Body> Body::read(std::string_view text, std::span<const std::string_view> known) {
  Body body;
  if (text.empty()) return body;
  try {
    body.object_ = Json::parse(text);
  } catch (const Json::exception& error) {
    return tl::make_unexpected(bad_request("the body is not JSON: " + position_and_cause(error.what())));
  }
  if (!body.object_.is_object())
    return tl::make_unexpected(
        bad_request("the body must be a JSON object, this is " + std::string(body.object_.type_name())));
  for (const auto& [key, value] : body.object_.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) return unknown_word("key", key, known);
  }
  return body;
}

const Json* Body::find(const char* key) const {
  if (!object_.is_object()) return nullptr;
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

ApiResult<std::optional<std::string>> Body::text(const char* key) const {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) return wrong_type(key, "a string", *value);
  return value->get<std::string>();
}

ApiResult<std::optional<Duration>> Body::duration(const char* key, Duration max) const {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) return wrong_type(key, "a duration such as \"5s\"", *value);
  const auto parsed = parse_duration(value->get_ref<const std::string&>());
  if (!parsed) return tl::make_unexpected(bad_request(in_quotes(key) + ": " + parsed.error().message));
  if (*parsed > max)
    return tl::make_unexpected(bad_request(in_quotes(key) + " must be at most " + format(max)));
  return *parsed;
}

ApiResult<std::optional<int>> Body::count(const char* key, int max) const {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_integer()) return wrong_type(key, "a whole number", *value);
  const bool in_range =
      value->is_number_unsigned() && value->get<std::uint64_t>() <= static_cast<std::uint64_t>(max);
  if (!in_range)
    return tl::make_unexpected(bad_request(in_quotes(key) + " must be from 0 to " + std::to_string(max) +
                                           ", this is " + value->dump()));
  return value->get<int>();
}

ApiResult<Query> Query::read(std::string_view text, std::span<const std::string_view> known) {
  Query query;
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    const auto key = protocol::percent_decode(part.substr(0, equals));
    const auto value = protocol::percent_decode(equals == std::string_view::npos ? std::string_view{}
                                                                                 : part.substr(equals + 1));
    if (!key || !value)
      return tl::make_unexpected(bad_request("bad percent-encoding in the query: " + in_quotes(part)));
    if (std::find(known.begin(), known.end(), *key) == known.end())
      return unknown_word("query parameter", *key, known);
    if (query.text(*key))
      return tl::make_unexpected(bad_request("query parameter " + in_quotes(*key) + " is there twice"));
    query.parts_.emplace_back(*key, *value);
  }
  return query;
}

std::optional<std::string> Query::text(std::string_view key) const {
  for (const auto& [name, value] : parts_) {
    if (name == key) return value;
  }
  return std::nullopt;
}

ApiResult<std::uint64_t> Query::number(std::string_view key, std::uint64_t otherwise) const {
  const auto value = text(key);
  if (!value) return otherwise;
  std::uint64_t number = 0;
  const char* end = value->data() + value->size();
  const auto [rest, error] = std::from_chars(value->data(), end, number);
  if (error != std::errc{} || rest != end)
    return tl::make_unexpected(bad_request("query parameter " + in_quotes(key) +
                                           " must be a whole number, this is " + in_quotes(*value)));
  return number;
}

ApiResult<bool> Query::flag(std::string_view key, bool otherwise) const {
  const auto value = text(key);
  if (!value) return otherwise;
  if (*value == "1" || *value == "true") return true;
  if (*value == "0" || *value == "false") return false;
  return tl::make_unexpected(
      bad_request("query parameter " + in_quotes(key) + " must be 0 or 1, this is " + in_quotes(*value)));
}

}  // namespace herd::control
