// One field of an HTTP head. Proxies write its name as they like.
#pragma once

#include <strings.h>

#include <string_view>

namespace herd::bench {

/// Empty where there is none.
inline std::string_view field(std::string_view head, std::string_view name) {
  constexpr std::string_view kNewLine = "\r\n";
  for (std::size_t at = head.find(kNewLine); at != std::string_view::npos; at = head.find(kNewLine, at)) {
    at += kNewLine.size();
    const std::string_view line = head.substr(at, head.find(kNewLine, at) - at);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    if (strncasecmp(line.data(), name.data(), name.size()) != 0) continue;
    const std::size_t value = line.find_first_not_of(' ', name.size() + 1);
    return value == std::string_view::npos ? std::string_view() : line.substr(value);
  }
  return {};
}

}  // namespace herd::bench
