// What the reader asks about the host and this build; handed in, so that tests need no accounts or programs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace herd::config {

struct HostFacts {
  std::function<std::optional<std::uint32_t>(const std::string& user)> uid_of;
  std::function<std::optional<std::uint32_t>(const std::string& group)> gid_of;
  /// Why the file at this path below the directory `root` can't be started, as in "does not exist"; empty if
  /// it can.
  std::function<std::optional<std::string>(const std::string& root, const std::string& path)> program_problem;
  /// Why this directory can't be a worker's root, in the same way.
  std::function<std::optional<std::string>(const std::string& path)> root_problem;
  std::uint32_t daemon_uid = 0;  // besides root's, its files are trusted
  std::vector<std::string> seccomp_profiles = {"worker"};
};

HostFacts real_host();

}  // namespace herd::config
