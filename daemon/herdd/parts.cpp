// What has to be there before the daemon is: each line a reason not to start.
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "common/kernel/files.hpp"
#include "common/kernel/memfd.hpp"
#include "common/log.hpp"
#include "daemon/control/listener.hpp"
#include "daemon/herdd/daemon.hpp"

namespace herd::daemon {
namespace {

namespace fs = std::filesystem;

constexpr const char* kInstalledPrograms = "../lib/herd";  // seen from herdd's directory

gid_t socket_group(const config::ControlSpec& control, const kernel::OwnIds& ids) {
  const group* found = getgrnam(control.group.c_str());
  if (ids.is_rootless) {  // other users can't be told apart: whatever their group, none gets a role
    const auto mapped = found == nullptr ? std::nullopt : ids.gid_of_account(found->gr_gid);
    return mapped.value_or(getegid());
  }
  if (found != nullptr) return found->gr_gid;
  log_warning("group '" + control.group +
              "' does not exist: only root can use the control socket (groupadd --system " + control.group +
              ")");
  return getegid();
}

std::string runtime_directory(const config::DaemonSpec& spec) {
  return spec.runtime_directory.empty() ? fs::path(spec.control.path).parent_path().string()
                                        : spec.runtime_directory;
}

/// From beside herdd, or where it is installed.
std::string own_program(const fs::path& program_directory, const char* name) {
  std::error_code error;
  const fs::path beside = program_directory / name;
  return fs::exists(beside, error) ? beside
                                   : (program_directory / kInstalledPrograms / name).lexically_normal();
}

/// The host's own numbers are free for herd.json's range, or its default; in a user namespace that lacks them
/// what there is serves.
Result<worker::UidPool> open_uids(const Host& host, const config::UidsSpec& wanted) {
  const kernel::OwnIds& ids = host.ids;
  if (ids.uids.has(wanted.first, wanted.count) && ids.gids.has(wanted.first, wanted.count))
    return worker::UidPool::open(host.uid_lock_file, wanted);
  const auto spare = ids.spare_ids();
  if (!spare) return worker::UidPool::without_any(host.why_no_auto_uid());
  return worker::UidPool::open(host.uid_lock_file, {spare->first, spare->count});
}

Result<kernel::CgroupLayout> find_cgroups(const Host& host) {
  HERD_TRY(const std::string mountinfo, kernel::read_file("/proc/self/mountinfo", 8 << 20));
  if (!host.ids.is_rootless) return kernel::find_cgroups(mountinfo);
  HERD_TRY(const std::string own, kernel::read_file("/proc/self/cgroup"));
  return kernel::find_delegated_cgroups(mountinfo, own);
}

/// Daemons with other runtime directories get other roots, so that none clears away another's workers.
std::string cgroup_root(const config::DaemonSpec& spec, const std::string& runtime) {
  if (!spec.cgroup_root.empty()) return spec.cgroup_root;
  if (runtime == "/run/herd") return "herd";
  char name[32];
  std::snprintf(name, sizeof name, "herd-%08zx", std::hash<std::string>{}(runtime)&0xffffffffU);
  return name;
}

/// Beside the root, as all that is below it is workers'.
std::string name_of_own_cgroup(std::string root) {
  std::ranges::replace(root, '/', '-');
  return root + "-daemon";
}

Result<UniqueFd> lock_root(const kernel::Cgroups& cgroups) {
  if (cgroups.layout().hierarchies.empty()) return UniqueFd();
  UniqueFd fd(open(cgroups.root_directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno("open '" + cgroups.root_directory() + "'");
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
    return fail("another herdd has its workers in '" + cgroups.root_directory() +
                "'; give this one another cgroup.root");
  return fd;
}

/// Two daemons with other control sockets may still share a directory: the second must not clear what the
/// first has.
Result<UniqueFd> lock_directory(const std::string& directory) {
  UniqueFd fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno("open '" + directory + "'");
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
    return fail("another herdd uses '" + directory + "'; give this one another runtime_directory");
  return fd;
}

/// Takes the control socket's file away again where the daemon does not come to start.
class SocketGuard {
 public:
  explicit SocketGuard(int listener) : file_(control::file_of(listener)) {}
  ~SocketGuard() {
    if (armed_) (void)control::remove_socket(file_);
  }
  SocketGuard(const SocketGuard&) = delete;
  SocketGuard& operator=(const SocketGuard&) = delete;
  void disarm() { armed_ = false; }

 private:
  control::SocketFile file_;
  bool armed_ = true;
};

/// Its sockets are open to whoever gets there, which is the group; a gateway is handed each that it may use.
Status make_sockets_directory(const std::string& path, gid_t group) {
  HERD_CHECK(kernel::make_directories(path, 0750));
  if (chown(path.c_str(), static_cast<uid_t>(-1), group) != 0) return fail_errno("chown '" + path + "'");
  if (chmod(path.c_str(), 0750) != 0) return fail_errno("chmod '" + path + "'");
  return {};
}

/// Sockets of workers that are gone with the daemon that had them.
void clear_directory(const std::string& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) fs::remove(entry.path(), error);
}

void raise_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// Workers can't be given more than the daemon may have, and need one byte of core (plan_builder.cpp says
/// why). Without CAP_SYS_RESOURCE it can't be raised: they then don't start, and say so.
void raise_core() {
  rlimit limit{};
  if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_max != 0) return;
  limit.rlim_max = 1;
  setrlimit(RLIMIT_CORE, &limit);
}

}  // namespace

Result<Daemon::Parts> Daemon::make_parts(config::Loaded loaded, Host host) {
  signal(SIGPIPE, SIG_IGN);
  umask(022);  // the directory of the workers' sockets is for others too, however strict the caller's is
  raise_open_files();
  raise_core();
  const config::DaemonSpec& spec = loaded.daemon;
  const std::string runtime = runtime_directory(spec);
  const gid_t group = socket_group(spec.control, host.ids);
  const fs::path program_directory = host.program_directory;
  HERD_CHECK(kernel::make_directories(runtime, 0755));
  HERD_CHECK(kernel::make_directories(fs::path(spec.control.path).parent_path(), 0755));
  HERD_TRY(UniqueFd control_socket, control::bind_unix_socket(spec.control.path, spec.control.mode, group));
  SocketGuard guard(control_socket.get());
  const std::string sockets = runtime + "/workers", notify_sockets = runtime + "/notify";
  HERD_CHECK(make_sockets_directory(sockets, group));
  HERD_CHECK(kernel::make_directories(notify_sockets, 0755));
  HERD_TRY(UniqueFd sockets_lock, lock_directory(sockets));
  HERD_CHECK(kernel::make_directories(spec.state_directory, 0700));
  HERD_TRY(IdCounter ids, IdCounter::open(spec.state_directory + "/worker-ids"));
  HERD_TRY(std::string gateway_key, cookie_key(spec.state_directory + "/gateway-key"));
  HERD_TRY(worker::UidPool uids, open_uids(host, spec.uids));
  const std::string executor =
      spec.executor.empty() ? own_program(program_directory, "herd-exec") : spec.executor;
  auto program = kernel::sealed_program(executor);
  if (!program) return fail_in("executor '" + executor + "'", program.error());
  HERD_TRY(const worker::DaemonFacts facts, worker::read_daemon_facts());

  // Last, so that a start that fails leaves no cgroups behind.
  HERD_TRY(kernel::CgroupLayout layout, find_cgroups(host));
  const std::string root = cgroup_root(spec, runtime);
  HERD_TRY(kernel::OwnCgroup own_cgroup, kernel::OwnCgroup::enter(layout, name_of_own_cgroup(root)));
  HERD_TRY(kernel::Cgroups cgroups, kernel::Cgroups::open(std::move(layout), root));
  HERD_TRY(UniqueFd root_lock, lock_root(cgroups));
  HERD_TRY(const int leftovers, cgroups.clean());
  clear_directory(sockets);
  clear_directory(notify_sockets);
  if (leftovers > 0)
    log_warning("ended and removed " + std::to_string(leftovers) + " workers that an earlier run left");
  HERD_TRY(auto gateway_sockets, GatewayListeners().open(spec.gateway.listen));
  guard.disarm();
  return Parts{std::move(loaded),
               std::move(host),
               runtime,
               group,
               std::move(control_socket),
               std::move(*program),
               std::move(root_lock),
               std::move(sockets_lock),
               std::move(own_cgroup),
               std::move(cgroups),
               std::move(uids),
               std::move(ids),
               facts,
               own_program(program_directory, "herd-gateway"),
               std::move(gateway_key),
               std::move(gateway_sockets)};
}

}  // namespace herd::daemon
