#include "daemon/worker/plan_builder.hpp"

#include <sys/capability.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "common/text.hpp"
#include "daemon/worker/identity.hpp"
#include "protocol/worker/environment.hpp"

namespace herd::worker {
namespace {

constexpr const char* kNotifyInside = "/run/herd/notify";

Result<launch::Rlimit> limit_of(int resource, std::uint64_t wanted, const char* field) {
  rlimit own{};
  if (getrlimit(static_cast<__rlimit_resource_t>(resource), &own) != 0) return fail_errno("getrlimit");
  if (field != nullptr && own.rlim_max != RLIM_INFINITY && wanted > own.rlim_max)
    return fail(std::string(field) + " is above the daemon's own hard limit of " +
                std::to_string(own.rlim_max) + " (raise it in the unit: LimitNOFILE=, LimitCORE=)");
  const std::uint64_t value = std::min<std::uint64_t>(wanted, own.rlim_max);
  return launch::Rlimit{resource, value, value};
}

/// No core is 1 byte: less than any core has, and the one value with which the kernel does not start the
/// program of a piped core_pattern either, which would run as the host's root (fs/coredump.c; 0 does not stop
/// it).
Result<launch::Rlimit> no_core(std::vector<std::string>* left_out) {
  constexpr std::uint64_t kNoHandler = 1;
  HERD_TRY(const launch::Rlimit limit, limit_of(RLIMIT_CORE, kNoHandler, nullptr));
  if (limit.hard == kNoHandler) return limit;
  const std::string sentence =
      "limits.core: the daemon's own hard limit is 0, with which a crash starts the program of a piped "
      "kernel.core_pattern as the host's root (give it 1 or more: LimitCORE= in the unit)";
  if (left_out == nullptr) return fail(sentence);
  left_out->push_back(sentence);
  return limit;
}

/// Every limit that there is: nothing is inherited from the daemon.
Result<std::vector<launch::Rlimit>> limits_of(const config::LimitsSpec& limits,
                                              std::vector<std::string>* left_out) {
  constexpr std::uint64_t kNone = RLIM_INFINITY;
  struct Wanted {
    int resource;
    std::uint64_t value;
    const char* field;
  };
  const std::array wanted{
      Wanted{RLIMIT_NOFILE, static_cast<std::uint64_t>(limits.open_files), "limits.open_files"},
      Wanted{RLIMIT_STACK, 8ULL << 20, nullptr}, Wanted{RLIMIT_MEMLOCK, 8ULL << 20, nullptr},
      Wanted{RLIMIT_MSGQUEUE, 819200, nullptr}, Wanted{RLIMIT_SIGPENDING, 4096, nullptr},
      Wanted{RLIMIT_NICE, 0, nullptr}, Wanted{RLIMIT_RTPRIO, 0, nullptr},
      // Counted for each uid over the whole host, so no limit for a worker: pids.max is.
      Wanted{RLIMIT_NPROC, kNone, nullptr}, Wanted{RLIMIT_AS, kNone, nullptr},
      Wanted{RLIMIT_DATA, kNone, nullptr}, Wanted{RLIMIT_RSS, kNone, nullptr},
      Wanted{RLIMIT_FSIZE, kNone, nullptr}, Wanted{RLIMIT_CPU, kNone, nullptr},
      Wanted{RLIMIT_LOCKS, kNone, nullptr}, Wanted{RLIMIT_RTTIME, kNone, nullptr}};
  const bool has_core = limits.core.value != 0;
  HERD_TRY(const launch::Rlimit core,
           has_core ? limit_of(RLIMIT_CORE, limits.core.value, "limits.core") : no_core(left_out));
  std::vector<launch::Rlimit> result{core};
  for (const Wanted& one : wanted) {
    HERD_TRY(const launch::Rlimit limit, limit_of(one.resource, one.value, one.field));
    result.push_back(limit);
  }
  return result;
}

Result<std::uint64_t> capability_mask(const std::vector<std::string>& names) {
  std::uint64_t mask = 0;
  for (const std::string& name : names) {
    cap_value_t value = 0;
    if (cap_from_name(name.c_str(), &value) != 0) return fail("sandbox.capabilities: unknown '" + name + "'");
    mask |= 1ULL << value;
  }
  return mask;
}

/// Names that only herd sets: a second LISTEN_PID or NOTIFY_SOCKET would come before its own.
bool is_reserved(std::string_view name) {
  return name.starts_with("HERD_") || name.starts_with("LISTEN_") || name == protocol::kNotifySocket ||
         name == protocol::kPort;
}

bool hands_over_listener(const config::SeccompSpec& seccomp) {
  return seccomp.denials == seccomp::Denials::notify && seccomp.enter == config::SeccompEnter::worker;
}

/// Exactly the contract's names, then the pool file's own, which can't replace those that herd reserves.
std::vector<std::string> environment_of(const config::PoolSpec& pool, const PlanParts& parts) {
  std::map<std::string, std::string> variables{
      {"HOME", "/tmp"}, {"TMPDIR", "/tmp"}, {"PATH", protocol::kDefaultPath}};
  for (const std::string& name : pool.pass_environment)
    if (const char* value = std::getenv(name.c_str())) variables[name] = value;
  for (const auto& [name, value] : pool.environment) variables[name] = expand(value, pool, parts);
  std::erase_if(variables, [](const auto& variable) { return is_reserved(variable.first); });
  variables[protocol::kPool] = pool.name;
  variables[protocol::kWorkerId] = parts.worker;
  variables[protocol::kSeccompProfile] = policy_word(pool.sandbox.seccomp.policy);
  if (hands_over_listener(pool.sandbox.seccomp)) variables[protocol::kSeccompDenials] = "notify";
  if (parts.port) variables[protocol::kPort] = std::to_string(*parts.port);
  if (parts.has_listener) {
    variables[protocol::kListenFds] = "1";
    variables[protocol::kListenFdNames] = "herd";
  }
  std::vector<std::string> environment;
  for (const auto& [name, value] : variables) environment.push_back(name + "=" + value);
  return environment;
}

launch::Namespaces namespaces_of(const config::SandboxSpec& sandbox) {
  const auto has = [&](config::Namespace wanted) {
    return std::ranges::find(sandbox.namespaces, wanted) != sandbox.namespaces.end();
  };
  launch::Namespaces namespaces;
  namespaces.pid = has(config::Namespace::pid);
  namespaces.mount = has(config::Namespace::mount);
  namespaces.ipc = has(config::Namespace::ipc);
  namespaces.uts = has(config::Namespace::uts);
  namespaces.cgroup = has(config::Namespace::cgroup);
  namespaces.network = sandbox.network != config::Network::host;
  namespaces.loopback_up = sandbox.network == config::Network::loopback;
  return namespaces;
}

/// The kernel mounts a /proc of the host's processes for nobody but the host's root (fs/proc/root.c).
Status check_proc(const launch::Namespaces& namespaces, const kernel::OwnIds& ids) {
  if (!namespaces.mount || namespaces.pid || !ids.is_rootless) return {};
  return fail(
      "sandbox.namespaces: without root a worker's own /proc takes a pid namespace of its own: write "
      "\"pid\" too, or leave \"mount\" out");
}

launch::LandlockMode mode_of(config::LandlockMode mode) {
  switch (mode) {
    case config::LandlockMode::off:
      return launch::LandlockMode::off;
    case config::LandlockMode::wanted:
      return launch::LandlockMode::wanted;
    case config::LandlockMode::required:
      break;
  }
  return launch::LandlockMode::required;
}

/// The value of LD_LIBRARY_PATH in "NAME=value" words, as directories.
std::vector<std::string> library_path_of(const std::vector<std::string>& environment) {
  constexpr std::string_view kName = "LD_LIBRARY_PATH=";
  std::vector<std::string> directories;
  for (const std::string& variable : environment) {
    if (!variable.starts_with(kName)) continue;
    for (std::string& directory : split(variable.substr(kName.size()), ':'))
      if (directory.starts_with('/')) directories.push_back(std::move(directory));
  }
  return directories;
}

launch::Root root_of(const config::FilesystemSpec& filesystem, const launch::Plan& plan) {
  launch::Root root;
  if (filesystem.root == config::kReadOnlyHost) return root;
  if (filesystem.root != config::kMinimal) {
    root.kind = launch::RootKind::directory;
    root.directory = filesystem.root;
    return root;
  }
  root.kind = launch::RootKind::minimal;
  root.program = plan.argv.front();
  root.library_path = library_path_of(plan.environment);
  root.binds = filesystem.read_only;
  root.binds.insert(root.binds.end(), filesystem.writable.begin(), filesystem.writable.end());
  return root;
}

/// With a network namespace of its own a worker has no network to be kept from but its own; in the host's it
/// must not take ports that are not its.
launch::Landlock landlock_of(const config::PoolSpec& pool, const PlanParts& parts) {
  launch::Landlock landlock;
  landlock.mode = mode_of(pool.sandbox.landlock);
  landlock.limits_tcp_bind = pool.sandbox.network != config::Network::loopback;
  landlock.forbids_tcp_connect = pool.sandbox.network == config::Network::none;
  if (parts.port) landlock.tcp_bind_ports.push_back(*parts.port);
  return landlock;
}

}  // namespace

const char* policy_word(config::SeccompPolicy policy) {
  switch (policy) {
    case config::SeccompPolicy::off:
      return "off";
    case config::SeccompPolicy::log:
      return "log";
    case config::SeccompPolicy::errno_:
      return "errno";
    case config::SeccompPolicy::kill:
      return "kill";
  }
  return "errno";
}

std::string expand(std::string text, const config::PoolSpec& pool, const PlanParts& parts) {
  if (parts.port) replace_all(text, "${PORT}", std::to_string(*parts.port));
  replace_all(text, "${WORKER_ID}", parts.worker);
  replace_all(text, "${POOL}", pool.name);
  return text;
}

Result<launch::Plan> build_plan(const config::PoolSpec& pool, const PlanParts& parts,
                                std::vector<std::string>* left_out, const kernel::OwnIds& ids) {
  launch::Plan plan;
  plan.pool = pool.name;
  plan.worker = parts.worker;
  for (const std::string& word : pool.command) plan.argv.push_back(expand(word, pool, parts));
  plan.environment = environment_of(pool, parts);
  plan.working_directory = pool.working_directory;
  plan.namespaces = namespaces_of(pool.sandbox);
  HERD_CHECK(check_proc(plan.namespaces, ids));
  const config::FilesystemSpec& filesystem = pool.sandbox.filesystem;
  plan.filesystem.root = root_of(filesystem, plan);
  if (filesystem.tmp) plan.filesystem.tmp_bytes = filesystem.tmp->value;
  plan.filesystem.hide = filesystem.hide;
  plan.filesystem.read_only = filesystem.read_only;
  plan.filesystem.writable = filesystem.writable;
  HERD_TRY(plan.rlimits, limits_of(pool.limits, left_out));
  HERD_TRY(plan.capabilities, capability_mask(pool.sandbox.capabilities));
  HERD_TRY(const Identity identity, identity_of(pool.sandbox, parts.auto_uid, ids, left_out));
  plan.uid = identity.uid;
  plan.gid = identity.gid;
  plan.groups = identity.groups;
  plan.sets_groups = identity.sets_groups;
  plan.no_new_privs = pool.sandbox.no_new_privs;
  plan.landlock = landlock_of(pool, parts);
  const config::SeccompSpec& seccomp = pool.sandbox.seccomp;
  plan.seccomp_at_exec =
      seccomp.policy != config::SeccompPolicy::off && seccomp.enter == config::SeccompEnter::exec;
  plan.seccomp_notifies = seccomp.denials == seccomp::Denials::notify;
  plan.seccomp_logs = !plan.seccomp_notifies && (seccomp.policy == config::SeccompPolicy::errno_ ||
                                                 seccomp.policy == config::SeccompPolicy::log);
  plan.stop_signal = pool.stop.signal;
  plan.stop_grace_ms = pool.stop.grace.count();
  if (plan.namespaces.network) plan.relay_port = parts.port.value_or(0);
  plan.notify = true;  // a program that speaks the protocol finds it, whatever counts as ready here
  plan.notify_path = plan.namespaces.mount ? kNotifyInside : parts.notify_path_on_host;
  return plan;
}

}  // namespace herd::worker
