// "did you mean": the known word that a misspelt one is closest to.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace herd::protocol {

/// Empty where none is close enough to be a slip of the finger.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);
/// "; did you mean 'status'?", or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

}  // namespace herd::protocol
