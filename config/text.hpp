// Words for messages: quoting what a file holds, JSON pointers, the nearest known name.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace herd::config {

/// In double quotes, control characters escaped and cut to a bound: whatever a file holds, a message stays
/// readable.
std::string quote(std::string_view text);

/// The pointer of a member or item below `parent`, escaped as RFC 6901 says; control characters and length as
/// in quote.
std::string below(std::string_view parent, std::string_view name);
std::string below(std::string_view parent, std::size_t index);

std::string_view parent_of(std::string_view pointer);
std::string_view last_of(std::string_view pointer);

/// The candidate with the smallest edit distance, if it is near enough to be a slip of the pen.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

/// `"a", "b" or "c"`.
std::string one_of(const std::vector<std::string>& words);

}  // namespace herd::config
