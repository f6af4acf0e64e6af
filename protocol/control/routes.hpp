// The paths of the control socket: written once, matched by the server and filled in by the client.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace herd::protocol {

inline constexpr const char* kSocketVariable = "HERD_SOCKET";

// A part in braces stands for one percent-encoded path segment.
namespace route {
inline constexpr std::string_view kHealthz = "/healthz";
inline constexpr std::string_view kReadyz = "/readyz";
inline constexpr std::string_view kMetrics = "/metrics";
inline constexpr std::string_view kStatus = "/v1/status";
inline constexpr std::string_view kPools = "/v1/pools";
inline constexpr std::string_view kPool = "/v1/pools/{pool}";
inline constexpr std::string_view kPoolWorkers = "/v1/pools/{pool}/workers";
inline constexpr std::string_view kPoolSessions = "/v1/pools/{pool}/sessions";
inline constexpr std::string_view kPoolSession = "/v1/pools/{pool}/sessions/{session}";
inline constexpr std::string_view kPoolScale = "/v1/pools/{pool}/scale";
inline constexpr std::string_view kPoolDrain = "/v1/pools/{pool}/drain";
inline constexpr std::string_view kPoolResume = "/v1/pools/{pool}/resume";
inline constexpr std::string_view kPoolRestart = "/v1/pools/{pool}/restart";
inline constexpr std::string_view kWorkers = "/v1/workers";
inline constexpr std::string_view kWorker = "/v1/workers/{worker}";
inline constexpr std::string_view kWorkerLogs = "/v1/workers/{worker}/logs";
inline constexpr std::string_view kWorkerStop = "/v1/workers/{worker}/stop";
inline constexpr std::string_view kSessions = "/v1/sessions";
inline constexpr std::string_view kEvents = "/v1/events";
inline constexpr std::string_view kReload = "/v1/reload";
inline constexpr std::string_view kConfigSchema = "/v1/config/schema";
}  // namespace route

/// The pattern with each part in braces replaced, in order, by the encoded value.
std::string fill(std::string_view pattern, std::initializer_list<std::string_view> values);

/// Everything but RFC 3986's unreserved characters as %XX.
std::string percent_encode(std::string_view text);
/// Empty where a '%' is not followed by two hex digits.
std::optional<std::string> percent_decode(std::string_view text);

inline constexpr std::size_t kMaxSessionName = 128;
/// 1 to 128 bytes of letters, digits and . _ ~ : @ -
bool is_session_name(std::string_view name);

}  // namespace herd::protocol
