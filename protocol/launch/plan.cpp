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

// The library's own macro for enums takes an unknown word for the first one: a worker's stdin.
template <typename Enum, std::size_t N>
static void read_word(const char* what, const nlohmann::json& json, const std::array<const char*, N>& words,
                      Enum& value) {
  const auto found = std::ranges::find(words, json.get<std::string>());
  if (found == words.end())
    throw nlohmann::json::other_error::create(501, std::string("unknown ") + what, &json);
  value = static_cast<Enum>(found - words.begin());
}

static constexpr std::array kFdRoles{"stdin",   "stdout",    "stderr",  "listener",
                                     "seccomp", "base_tree", "network", "relay_listener"};

static void to_json(nlohmann::json& json, FdRole role) {
  json = kFdRoles.at(static_cast<std::size_t>(role));
}

static void from_json(const nlohmann::json& json, FdRole& role) {
  read_word("fd role", json, kFdRoles, role);
}

static constexpr std::array kLandlockModes{"off", "wanted", "required"};

static void to_json(nlohmann::json& json, LandlockMode mode) {
  json = kLandlockModes.at(static_cast<std::size_t>(mode));
}

static void from_json(const nlohmann::json& json, LandlockMode& mode) {
  read_word("Landlock mode", json, kLandlockModes, mode);
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Rlimit, resource, soft, hard)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Landlock, mode, limits_tcp_bind, tcp_bind_ports, forbids_tcp_connect)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Namespaces, pid, mount, ipc, uts, cgroup, network, loopback_up)

static constexpr std::array kRootKinds{"read_only_host", "minimal", "directory"};

static void to_json(nlohmann::json& json, RootKind kind) {
  json = kRootKinds.at(static_cast<std::size_t>(kind));
}

static void from_json(const nlohmann::json& json, RootKind& kind) {
  read_word("kind of root", json, kRootKinds, kind);
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Root, kind, directory, program, library_path, binds)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(UsedFile, path, device, inode, changed_ns)

static void to_json(nlohmann::json& json, const Filesystem& filesystem) {
  json = {{"root", filesystem.root},
          {"hide", filesystem.hide},
          {"read_only", filesystem.read_only},
          {"writable", filesystem.writable}};
  if (filesystem.tmp_bytes) json["tmp_bytes"] = *filesystem.tmp_bytes;
}

static void from_json(const nlohmann::json& json, Filesystem& filesystem) {
  json.at("root").get_to(filesystem.root);
  json.at("hide").get_to(filesystem.hide);
  json.at("read_only").get_to(filesystem.read_only);
  json.at("writable").get_to(filesystem.writable);
  if (json.contains("tmp_bytes")) filesystem.tmp_bytes = json.at("tmp_bytes").get<std::uint64_t>();
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Plan, pool, worker, argv, environment, working_directory, namespaces,
                                   filesystem, rlimits, capabilities, uid, gid, groups, sets_groups,
                                   no_new_privs, landlock, seccomp_at_exec, seccomp_logs, seccomp_records,
                                   seccomp_notifies, stop_signal, stop_grace_ms, notify, notify_path,
                                   relay_port, takes_terminal, fds)

template <typename T>
static Result<std::string> dump(const T& value) {
  try {
    return nlohmann::json(value).dump();
  } catch (const nlohmann::json::type_error&) {
    return fail("the command, its environment or a path holds bytes that are not UTF-8");
  }
}

template <typename T>
static Result<T> parse(const char* what, const std::string& text) {
  try {
    return nlohmann::json::parse(text).get<T>();
  } catch (const nlohmann::json::exception& error) {
    return fail(std::string(what) + ": " + error.what());
  }
}

Result<std::string> to_json(const Plan& plan) {
  return dump(plan);
}

Result<Plan> parse_plan(const std::string& text) {
  return parse<Plan>("launch plan", text);
}

Result<std::string> to_json(const Root& root) {
  return dump(root);
}

Result<Root> parse_root(const std::string& text) {
  return parse<Root>("root", text);
}

UsedFile used_file(const std::string& path, const struct stat& info) {
  return {path, info.st_dev, info.st_ino, info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec};
}

UsedFile used_place(const std::string& path, const struct stat& info) {
  return {path, info.st_dev, info.st_ino, 0};
}

Result<std::string> to_json(const std::vector<UsedFile>& files) {
  return dump(files);
}

Result<std::vector<UsedFile>> parse_used_files(const std::string& text) {
  return parse<std::vector<UsedFile>>("used files", text);
}

}  // namespace herd::launch
