// Where herd's files are if nobody says otherwise: the system's places for root, those of the XDG base
// directory specification for an ordinary user.
#pragma once

#include <functional>
#include <string>

namespace herd::config {

/// A path is empty where the environment does not say where it would be.
struct DefaultPaths {
  std::string file = "/etc/herd/herd.json";
  std::string pools_directory = "/etc/herd/pools.d";
  std::string control_socket = "/run/herd/control.sock";
  std::string state_directory = "/var/lib/herd";
};

/// $XDG_CONFIG_HOME or ~/.config, $XDG_RUNTIME_DIR, $XDG_STATE_HOME or ~/.local/state, with "/herd" below
/// each. `variable` is getenv(3).
DefaultPaths user_paths(const std::function<const char*(const char*)>& variable);

/// Of the user whom this process has now: before herdd makes a user namespace, in which all are root.
DefaultPaths default_paths();

}  // namespace herd::config
