// Answers as bytes, put together by hand: one buffer, one write, nothing allocated once the buffer has grown.
#pragma once

#include <string>
#include <string_view>

#include "daemon/control/routes.hpp"

namespace herd::control {

/// How the rest of a connection goes, as the client's HTTP version and wishes have it.
struct Manners {
  bool keep_alive = true;
  bool http_1_1 = true;
};

void append_answer(std::string& out, const Answer& answer, Manners manners);
/// A stream's head; it always ends its connection. HTTP/1.0 knows no chunks: the connection's end is its end.
void append_stream_head(std::string& out, unsigned status, Manners manners);
void append_chunk(std::string& out, std::string_view lines, Manners manners);
void append_last_chunk(std::string& out, Manners manners);

inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

/// What the parser would only notice at the end of the header, or never: that this is no HTTP at all.
bool is_surely_not_http(std::string_view start);

}  // namespace herd::control
