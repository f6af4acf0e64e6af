// The shapes that both ends of the control socket agree on: error answers, their stable codes, the media
// types.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace herd::protocol {

using Json = nlohmann::json;

inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kLinesType = "application/x-ndjson";
inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4";

/// Codes that the server itself gives; the pools' own ("queue_full" ...) pass through as they are.
namespace code {
inline constexpr const char* kBadRequest = "bad_request";
inline constexpr const char* kBadSessionName = "bad_session_name";
inline constexpr const char* kForbidden = "forbidden";
inline constexpr const char* kUnknownRoute = "unknown_route";
inline constexpr const char* kUnknownPool = "unknown_pool";
inline constexpr const char* kUnknownSession = "unknown_session";
inline constexpr const char* kUnknownWorker = "unknown_worker";
inline constexpr const char* kMethodNotAllowed = "method_not_allowed";
inline constexpr const char* kTooSlow = "too_slow";
inline constexpr const char* kTooLarge = "too_large";
inline constexpr const char* kHeaderTooLarge = "header_too_large";
inline constexpr const char* kInternal = "internal";
inline constexpr const char* kTooManyConnections = "too_many_connections";
inline constexpr const char* kNotReady = "not_ready";
inline constexpr const char* kStopping = "stopping";
}  // namespace code

/// {"error":{"code","message","hint","pool"}}, null where there is nothing to say.
struct Refusal {
  std::string code, message;
  std::string hint;  // may be empty
  std::string pool;  // may be empty
};
Json to_json(const Refusal& refusal);
/// Empty where the body does not have that shape.
std::optional<Refusal> refusal_from(const Json& body);

/// One line of JSON. Bytes that are not UTF-8 (a worker's output, a client's own words) become U+FFFD.
std::string dump_line(const Json& json);

}  // namespace herd::protocol
