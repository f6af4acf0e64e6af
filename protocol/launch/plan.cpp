#include "protocol/launch/plan.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace herd::launch {

const char* name(Stage stage) {
  static constexpr std::array kNames{"fds",          "session",  "signals", "namespaces",   "mounts",
                                     "root",         "cgroup",   "limits",  "capabilities", "ids",
                                     "no_new_privs", "landlock", "seccomp", "exec"};
  return kNames.at(static_cast<std::size_t>(stage));
}

static constexpr std::array kFdRoles{"stdin", "stdout", "stderr", "listener", "seccomp", "base_tree"};

static void to_json(nlohmann::json& json, FdRole role) {
  json = kFdRoles.at(static_cast<std::size_t>(role));
}

// The library's own macro for enums takes an unknown word for the first one: a worker's stdin.
static void from_json(const nlohmann::json& json, FdRole& role) {
  const auto found = std::ranges::find(kFdRoles, json.get<std::string>());
  if (found == kFdRoles.end()) throw nlohmann::json::other_error::create(501, "unknown fd role", &json);
  role = static_cast<FdRole>(found - kFdRoles.begin());
}

static constexpr std::array kLandlockModes{"off", "wanted", "required"};

static void to_json(nlohmann::json& json, LandlockMode mode) {
  json = kLandlockModes.at(static_cast<std::size_t>(mode));
}

static void from_json(const nlohmann::json& json, LandlockMode& mode) {
  const auto found = std::ranges::find(kLandlockModes, json.get<std::string>());
  if (found == kLandlockModes.end())
    throw nlohmann::json::other_error::create(501, "unknown Landlock mode", &json);
  mode = static_cast<LandlockMode>(found - kLandlockModes.begin());
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Rlimit, resource, soft, hard)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Landlock, mode, limits_tcp_bind, tcp_bind_ports, forbids_tcp_connect)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Namespaces, pid, mount, ipc, uts, cgroup, network, loopback_up)

static void to_json(nlohmann::json& json, const Filesystem& filesystem) {
  json = {{"hide", filesystem.hide}, {"read_only", filesystem.read_only}, {"writable", filesystem.writable}};
  if (filesystem.tmp_bytes) json["tmp_bytes"] = *filesystem.tmp_bytes;
}

static void from_json(const nlohmann::json& json, Filesystem& filesystem) {
  json.at("hide").get_to(filesystem.hide);
  json.at("read_only").get_to(filesystem.read_only);
  json.at("writable").get_to(filesystem.writable);
  if (json.contains("tmp_bytes")) filesystem.tmp_bytes = json.at("tmp_bytes").get<std::uint64_t>();
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Plan, pool, worker, argv, environment, working_directory, namespaces,
                                   filesystem, rlimits, capabilities, uid, gid, groups, no_new_privs,
                                   landlock, seccomp_at_exec, seccomp_logs, stop_signal, stop_grace_ms,
                                   notify, notify_path, takes_terminal, fds)

Result<std::string> to_json(const Plan& plan) {
  try {
    return nlohmann::json(plan).dump();
  } catch (const nlohmann::json::type_error&) {
    return fail("the command, its environment or a path holds bytes that are not UTF-8");
  }
}

Result<Plan> parse_plan(const std::string& text) {
  try {
    return nlohmann::json::parse(text).get<Plan>();
  } catch (const nlohmann::json::exception& error) {
    return fail(std::string("launch plan: ") + error.what());
  }
}

}  // namespace herd::launch
