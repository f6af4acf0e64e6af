#include "daemon/herdd/gateway_spec.hpp"

#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>

#include "common/seccomp/presets.hpp"

namespace herd::daemon {
namespace {

using std::chrono::seconds;

constexpr rlim_t kMostFiles = 65'536;
/// Listeners, kept connections to workers, the sockets of sessions.
constexpr int kOtherFiles = 2'000;
constexpr Duration kLongestHold = seconds(1);
/// The pool ends each wait by its own acquire_timeout; longer takes only a herdd that does not run.
constexpr Duration kAnswerGrace = seconds(5);

/// No more than the daemon may have itself.
int open_files() {
  rlimit own{};
  if (getrlimit(RLIMIT_NOFILE, &own) != 0) return 1024;
  return static_cast<int>(std::min(own.rlim_max, kMostFiles));
}

/// `strict`, with sockets that lead to workers, and without what a program that has started needs no more:
/// files, other programs, and the file system as a whole.
config::SharedProfile gateway_profile() {
  seccomp::Profile profile = seccomp::preset("strict").value();
  profile.name = config::kGatewayPool;
  const auto add = [&](std::vector<std::string> names, seccomp::Action action,
                       std::vector<seccomp::ArgCondition> conditions = {}) {
    profile.rules.push_back({std::move(names), action, std::move(conditions), 1});
  };
  add({"socket"}, seccomp::Action::allow, {seccomp::low32(0, AF_INET)});
  add({"connect"}, seccomp::Action::allow);
  add({"chmod",     "chown", "creat",   "execve",    "fchmodat", "fchownat", "lchown",  "link",
       "linkat",    "mkdir", "mkdirat", "open",      "openat",   "openat2",  "rename",  "renameat",
       "renameat2", "rmdir", "symlink", "symlinkat", "truncate", "unlink",   "unlinkat"},
      seccomp::Action::deny);
  return {std::make_shared<const seccomp::Profile>(std::move(profile))};
}

gateway::SessionPlace place_of(const config::GatewaySpec& spec) {
  using Kind = gateway::SessionPlace::Kind;
  gateway::SessionPlace place;
  place.name = spec.session.name;
  place.issues = spec.issue;
  switch (spec.session.kind) {
    case config::SessionPlaceKind::header:
      place.kind = Kind::header;
      break;
    case config::SessionPlaceKind::cookie:
      place.kind = Kind::cookie;
      break;
    case config::SessionPlaceKind::path:
      place.kind = Kind::path;
      break;
    case config::SessionPlaceKind::query:
      place.kind = Kind::query;
      break;
  }
  return place;
}

gateway::Route route_to(const config::PoolSpec& pool) {
  const config::GatewaySpec& spec = *pool.gateway;
  gateway::Route route;
  route.pool = pool.name;
  route.prefix = spec.prefix;
  route.host = spec.host;
  route.session = place_of(spec);
  route.creates = spec.create;
  route.strips_prefix = spec.strip_prefix;
  route.request_timeout = spec.request_timeout;
  route.tunnel_idle_timeout = spec.tunnel_idle_timeout;
  route.answer_timeout = pool.sessions.acquire_timeout + kAnswerGrace;
  // Well within the time after which a session that rests ends.
  route.hold = std::min(kLongestHold, pool.sessions.idle_timeout.value_or(kLongestHold) / 4);
  return route;
}

/// A client takes two files, its own and its worker's: the limit with a name comes before the kernel's.
gateway::Limits limits_of(const config::GatewayLimits& limits) {
  const int most_connections = std::max(16, (open_files() - kOtherFiles) / 2);
  return {.header_bytes = limits.header.value,
          .headers = limits.headers,
          .header_timeout = limits.header_timeout,
          .body_timeout = limits.body_timeout,
          .keep_alive_timeout = limits.keep_alive_timeout,
          .connect_timeout = limits.connect_timeout,
          .connections = std::min(limits.connections, most_connections),
          .connections_of_address = limits.connections_per_address,
          .idle_connections = limits.idle_connections};
}

}  // namespace

config::PoolSpec gateway_pool(const std::string& program, const config::GatewayListenSpec& spec) {
  config::PoolSpec pool;
  pool.name = config::kGatewayPool;
  pool.command = {program};
  pool.workers = {.min = 1, .max = 2, .spare = 0, .start_concurrency = 1};
  pool.listen = config::Listen::none;
  pool.ready = {.kind = config::ReadyKind::notify, .http_path = {}, .timeout = seconds(10)};
  pool.restart.backoff_min = std::chrono::milliseconds(10);
  pool.restart.backoff_max = seconds(5);
  pool.restart.burst = 1'000'000;  // without it nobody is served: it never gives up
  pool.stop.grace = seconds(30);
  pool.limits.memory = mib(1024);
  pool.limits.cpu.reset();
  pool.limits.pids = spec.threads + 16;
  pool.limits.open_files = open_files();
  pool.sandbox.network = config::Network::host;  // where workers with a port of the host's are
  pool.sandbox.filesystem.root = config::kMinimal;
  pool.sandbox.filesystem.tmp = mib(1);
  pool.sandbox.filesystem.hide.clear();
  pool.sandbox.filesystem.read_only = {program};  // it may lie in /tmp, which is its own
  pool.sandbox.required = spec.required;
  pool.sandbox.landlock = config::LandlockMode::wanted;
  pool.sandbox.seccomp.profile = config::kGatewayPool;
  pool.sandbox.seccomp.rules = gateway_profile();
  return pool;
}

gateway::Settings gateway_settings(const config::GatewayListenSpec& spec,
                                   const std::vector<config::PoolSpec>& pools,
                                   const std::string& cookie_key) {
  gateway::Settings settings;
  for (const config::PoolSpec& pool : pools)
    if (pool.gateway) settings.routes.push_back(route_to(pool));
  settings.limits = limits_of(spec.limits);
  settings.threads = spec.threads;
  settings.cookie_key = cookie_key;
  return settings;
}

}  // namespace herd::daemon
