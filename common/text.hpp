// Small things that are done to text in many places.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace herd {

/// Without blanks, line ends and NULs behind it, as files of /proc and /sys end.
std::string trimmed(std::string text);

/// The parts between the separators, without the empty ones.
std::vector<std::string> split(std::string_view text, char separator);

void replace_all(std::string& text, std::string_view from, std::string_view to);

}  // namespace herd
