// Values as people read them. Everything here takes what the daemon sent and never throws on its shape.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/control/messages.hpp"

namespace herd::cli {

using protocol::Json;

/// Text that can't move the cursor or change the terminal: control characters become '?'. Workers and callers
/// choose some of what is shown here.
std::string printable(std::string_view text);

/// A scalar at `key` as text; "-" where it is null or absent, "yes"/"no" for a bool.
std::string text_at(const Json& object, std::string_view key);
std::string text_of(const Json& value);
/// The value at `key`, or null.
const Json& at(const Json& object, std::string_view key);
const Json& at(const Json& object, std::string_view key, std::string_view inner);

std::string human_seconds(double seconds);     // "45s" "3m12s" "2h5m" "3d4h"
std::string human_bytes(std::uint64_t bytes);  // "512 B" "12.0 MiB"
std::string seconds_at(const Json& object, std::string_view key);
std::string bytes_of(const Json& value);
/// How long ago an RFC 3339 UTC time was; "-" where it is none.
std::string age_of(const Json& time, std::chrono::system_clock::time_point now);
/// {"kind":"exited","code":1} as "exited code=1".
std::string reason_of(const Json& reason);

}  // namespace herd::cli
