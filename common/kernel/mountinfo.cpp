#include "common/kernel/mountinfo.hpp"

#include <algorithm>

namespace herd::kernel {
namespace {

/// Takes what stands before the separator off the text's front.
std::string_view take(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

Mount parse_line(std::string_view line) {
  Mount mount;
  take(line, ' ');  // its id
  take(line, ' ');  // its parent's
  mount.device = take(line, ' ');
  mount.root = unescape_mount(take(line, ' '));
  mount.point = unescape_mount(take(line, ' '));
  mount.options = take(line, ' ');
  while (!line.empty() && take(line, ' ') != "-") {  // optional fields: how it propagates
  }
  mount.type = take(line, ' ');
  take(line, ' ');  // its source
  mount.super_options = take(line, ' ');
  return mount;
}

}  // namespace

bool Mount::has(std::string_view option) const {
  for (std::string_view rest = options; !rest.empty();)
    if (take(rest, ',') == option) return true;
  return false;
}

std::vector<Mount> parse_mountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  while (!text.empty()) mounts.push_back(parse_line(take(text, '\n')));
  return mounts;
}

std::string unescape_mount(std::string_view text) {
  const auto is_octal = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '7'; };
  std::string path;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 3 < text.size() && is_octal(at + 1) && is_octal(at + 2) &&
        is_octal(at + 3)) {
      path += static_cast<char>((text[at + 1] - '0') << 6 | (text[at + 2] - '0') << 3 | (text[at + 3] - '0'));
      at += 3;
    } else {
      path += text[at];
    }
  }
  return path;
}

}  // namespace herd::kernel
