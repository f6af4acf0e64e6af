// What the reader asks about the host and this build; handed in, so that tests need no accounts or programs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/default_paths.hpp"

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
  /// What the kernel shows for every uid that is not mapped into the daemon's user namespace; nothing where
  /// all are.
  std::optional<std::uint32_t> unmapped_uid;
  /// Why no worker can have these uids and gids, as in "are not mapped"; empty if it can.
  std::function<std::optional<std::string>(std::uint32_t first, std::uint32_t count)> ids_problem =
      [](std::uint32_t, std::uint32_t) { return std::nullopt; };
  /// Why no worker can have that user's uid; empty if it can.
  std::function<std::optional<std::string>(std::uint32_t uid)> user_problem = [](std::uint32_t) {
    return std::nullopt;
  };
  DefaultPaths paths;
};

/// As it is for a process in the host's own user namespace.
HostFacts real_host();

}  // namespace herd::config
