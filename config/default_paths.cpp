#include "config/default_paths.hpp"

#include <unistd.h>

#include <cstdlib>

namespace herd::config {
namespace {

using Variable = std::function<const char*(const char*)>;

/// The specification: a relative path is as good as none.
std::string directory_in(const Variable& variable, const char* name) {
  const char* value = variable(name);
  return value != nullptr && *value == '/' ? value : "";
}

std::string xdg_base(const Variable& variable, const char* name, const char* below_home) {
  const std::string given = directory_in(variable, name), home = directory_in(variable, "HOME");
  if (!given.empty() || home.empty()) return given;
  return home + below_home;
}

std::string place_in(const std::string& directory, const char* name) {
  return directory.empty() ? "" : directory + "/herd" + name;
}

}  // namespace

DefaultPaths user_paths(const Variable& variable) {
  const std::string config = xdg_base(variable, "XDG_CONFIG_HOME", "/.config");
  return {place_in(config, "/herd.json"), place_in(config, "/pools.d"),
          place_in(directory_in(variable, "XDG_RUNTIME_DIR"), "/control.sock"),
          place_in(xdg_base(variable, "XDG_STATE_HOME", "/.local/state"), "")};
}

DefaultPaths default_paths() {
  return geteuid() == 0 ? DefaultPaths{} : user_paths([](const char* name) { return std::getenv(name); });
}

}  // namespace herd::config
