// What is mounted in a process's mount namespace: /proc/PID/mountinfo (proc_pid_mountinfo(5)).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace herd::kernel {

struct Mount {
  std::string device;  // "major:minor"
  std::string root;    // what of its filesystem is mounted
  std::string point;
  std::string options;  // of this mount: "ro,nosuid"; the first is ro or rw
  std::string type;
  std::string super_options;  // of the filesystem

  /// Whether this mount has that option: "nosuid".
  [[nodiscard]] bool has(std::string_view option) const;
  [[nodiscard]] bool is_read_only() const { return options == "ro" || options.starts_with("ro,"); }
};

/// In the file's order. Fields that a line does not have are empty.
std::vector<Mount> parse_mountinfo(std::string_view text);

/// A path as the file writes it, with blanks and backslashes as octal escapes ("\040").
std::string unescape_mount(std::string_view text);

}  // namespace herd::kernel
