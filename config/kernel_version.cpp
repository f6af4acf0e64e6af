#include <sys/utsname.h>

#include <charconv>

#include "config/profile_file.hpp"

namespace herd::config {

std::optional<KernelVersion> parse_kernel_version(std::string_view text) {
  KernelVersion version;
  const char* end = text.data() + text.size();
  const auto [dot, error] = std::from_chars(text.data(), end, version.major);
  if (error != std::errc{} || dot == end || *dot != '.') return std::nullopt;
  if (std::from_chars(dot + 1, end, version.minor).ec != std::errc{}) return std::nullopt;
  return version;
}

KernelVersion running_kernel() {
  utsname names{};
  ::uname(&names);
  return parse_kernel_version(names.release).value_or(KernelVersion{});
}

}  // namespace herd::config
