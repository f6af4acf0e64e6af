#include <sys/capability.h>

#include <csignal>

#include "config/fields.hpp"

namespace herd::config {
namespace {

using Form = Group<PoolSpec>::Form;

constexpr Duration kLongest = std::chrono::hours(24 * 365);
constexpr DurationIn kSpan{1ms, kLongest};
constexpr Bytes kLargest = gib(std::uint64_t{64} << 10);

/// A capability by the name that libcap knows it by, in capitals.
struct Capability {
  using Value = std::string;

  static std::vector<std::string> choices() {
    std::vector<std::string> names;
    for (cap_value_t value = 0; value <= CAP_LAST_CAP; ++value) {
      char* name = cap_to_name(value);
      if (name == nullptr) continue;
      std::string capitals = name;
      cap_free(name);
      std::transform(capitals.begin(), capitals.end(), capitals.begin(),
                     [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
      names.push_back(std::move(capitals));
    }
    return names;
  }
  std::optional<std::string> parse(const Node& node) const {
    // cap_from_name takes any case and numbers; one spelling is enough for a file that people compare.
    const std::vector<std::string> names = choices();
    cap_value_t value = 0;
    if (node.type != Node::Type::text || std::find(names.begin(), names.end(), node.text) == names.end() ||
        cap_from_name(node.text.c_str(), &value) != 0) {
      return std::nullopt;
    }
    return node.text;
  }
  Json write(const std::string& name) const { return name; }
  std::string words() const { return "the name of a capability, as \"CAP_NET_BIND_SERVICE\""; }
  Json schema() const { return {{"type", "string"}, {"pattern", "^CAP_[A-Z_]+$"}}; }
};

const Word<int> kStopSignals{{{"SIGTERM", SIGTERM},
                              {"SIGINT", SIGINT},
                              {"SIGHUP", SIGHUP},
                              {"SIGQUIT", SIGQUIT},
                              {"SIGUSR1", SIGUSR1},
                              {"SIGUSR2", SIGUSR2},
                              {"SIGWINCH", SIGWINCH},
                              {"SIGABRT", SIGABRT},
                              {"SIGALRM", SIGALRM},
                              {"SIGKILL", SIGKILL}}};

void add_program(Table<PoolSpec>& table) {
  table.required(
      "/command", ListOf<Text>{any_text(), 1, 4096, false}, at(&PoolSpec::command), Applies::recycle,
      "The program and its arguments. The first is an absolute path; `${PORT}`, `${WORKER_ID}` and "
      "`${POOL}` are expanded in all.");
  table.field(
      "/environment", MapOf{environment_name(), any_text()}, at(&PoolSpec::environment), Applies::recycle,
      "The worker's environment; nothing else gets there but what herd sets itself (`HERD_*`, `LISTEN_*`, "
      "`NOTIFY_SOCKET`, `PORT`: refused here). `HOME`, `TMPDIR` and `PATH` may be given.");
  table.field("/pass_environment", ListOf<Text>{environment_name()}, at(&PoolSpec::pass_environment),
              Applies::recycle,
              "Names of variables that are copied from the daemon's environment, if set there.");
  table.field("/working_directory", absolute_path(), at(&PoolSpec::working_directory), Applies::recycle,
              "Where the worker starts, as seen inside its sandbox.");
  table.field(
      "/listen",
      Word<Listen>{{{"unix", Listen::unix_socket},
                    {"tcp", Listen::tcp},
                    {"port", Listen::port},
                    {"none", Listen::none}}},
      at(&PoolSpec::listen), Applies::recycle,
      "`unix`, `tcp`: herd binds the socket and hands it over as fd 3. `port`: the worker binds `${PORT}` "
      "itself; with network `loopback` herd's relay leads to it from a unix socket. `none`: the worker has "
      "no address.");
}

void add_workers(Table<PoolSpec>& table) {
  constexpr Integer<int> kWorkers{0, 10'000};
  table.group("/workers", "How many workers there are.");
  table.field("/workers/min", kWorkers, at(&PoolSpec::workers, &WorkersSpec::min), Applies::live,
              "Never fewer than this.");
  table.field("/workers/max", Integer<int>{1, 10'000}, at(&PoolSpec::workers, &WorkersSpec::max),
              Applies::live, "Never more than this.");
  table.field("/workers/spare", kWorkers, at(&PoolSpec::workers, &WorkersSpec::spare), Applies::live,
              "So many idle workers are kept ready for new sessions.");
  table.field("/workers/start_concurrency", Integer<int>{1, 1000},
              at(&PoolSpec::workers, &WorkersSpec::start_concurrency), Applies::live,
              "At most so many workers of the pool start at the same time.");
}

void add_sessions(Table<PoolSpec>& table) {
  table.group("/sessions", "How sessions begin, live and end.");
  table.field("/sessions/lease", Word<Lease>{{{"idle", Lease::idle}, {"connection", Lease::connection}}},
              at(&PoolSpec::sessions, &SessionsSpec::lease), Applies::live,
              "What keeps a session alive: use (`idle`), or the connection that acquired it (`connection`).");
  table.field("/sessions/idle_timeout", OrOff{kSpan}, at(&PoolSpec::sessions, &SessionsSpec::idle_timeout),
              Applies::live, "A session that was not used for so long ends.");
  table.field("/sessions/max_lifetime", OrOff{kSpan}, at(&PoolSpec::sessions, &SessionsSpec::max_lifetime),
              Applies::live, "A session ends after so long, used or not.");
  table.field(
      "/sessions/reuse", Boolean{}, at(&PoolSpec::sessions, &SessionsSpec::reuse), Applies::live,
      "`true`: a worker may serve another session after one has ended. `false`: it ends with its session.");
  table.field("/sessions/acquire_timeout", kSpan, at(&PoolSpec::sessions, &SessionsSpec::acquire_timeout),
              Applies::live, "An acquire that waits longer for a worker is answered with an error.");
  table.field("/sessions/queue_limit", Integer<int>{0, 100'000},
              at(&PoolSpec::sessions, &SessionsSpec::queue_limit), Applies::live,
              "So many acquires may wait at the same time; one more is refused at once.");
}

void add_ready_and_health(Table<PoolSpec>& table) {
  constexpr auto kApplies = Applies::next_spawn;
  const auto spec = at(&PoolSpec::ready);
  table.group("/ready",
              "When a started worker counts as ready: exactly one of `notify`, `http`, `connect` and "
              "`started`. Where the file names none: `connect` with listen `port`, else `notify`.");
  table.field("/ready/notify", ReadyChoice{ReadyKind::notify}, spec, kApplies,
              "The worker says so on `NOTIFY_SOCKET`, as systemd services do.");
  table.field("/ready/http", ReadyChoice{ReadyKind::http}, spec, kApplies,
              "A GET of this path at the worker's address is answered with 2xx.");
  table.field("/ready/connect", ReadyChoice{ReadyKind::connect}, spec, kApplies,
              "The worker's address takes a connection.");
  table.field("/ready/started", ReadyChoice{ReadyKind::started}, spec, kApplies, "Once its program runs.");
  table.field("/ready/timeout", kSpan, at(&PoolSpec::ready, &ReadySpec::timeout), kApplies,
              "A worker that is not ready by then is ended, with reason `ready_timeout`.");

  table.group("/health",
              "A regular check of ready workers, or \"off\". That the process lives is always watched.",
              Form::object_or_off);
  table.required("/health/http", http_path(), at(&PoolSpec::health, &HealthSpec::http_path), Applies::live,
                 "A GET of this path at the worker's address is answered with 2xx.");
  table.field("/health/interval", DurationIn{10ms, kLongest}, at(&PoolSpec::health, &HealthSpec::interval),
              Applies::live, "Time from one check to the next.");
  table.field("/health/timeout", kSpan, at(&PoolSpec::health, &HealthSpec::timeout), Applies::live,
              "A check that takes longer has failed.");
  table.field("/health/failures", Integer<int>{1, 1000}, at(&PoolSpec::health, &HealthSpec::failures),
              Applies::live,
              "After so many failed checks in a row the worker is ended, with reason `unhealthy`.");
}

void add_ends(Table<PoolSpec>& table) {
  table.group("/restart", "What follows when workers end by themselves.");
  table.field("/restart/backoff_min", kSpan, at(&PoolSpec::restart, &RestartSpec::backoff_min), Applies::live,
              "The wait before a new start after a first failure; it doubles with each further one.");
  table.field("/restart/backoff_max", kSpan, at(&PoolSpec::restart, &RestartSpec::backoff_max), Applies::live,
              "The wait grows no longer than this.");
  table.field("/restart/reset_after", kSpan, at(&PoolSpec::restart, &RestartSpec::reset_after), Applies::live,
              "After so long without a failure the wait starts from `backoff_min` again.");
  table.field("/restart/burst", Integer<int>{1, 10'000}, at(&PoolSpec::restart, &RestartSpec::burst),
              Applies::live,
              "More failures than this within `window`, and the pool stops trying: it is `failed`.");
  table.field("/restart/window", kSpan, at(&PoolSpec::restart, &RestartSpec::window), Applies::live,
              "The time in which `burst` failures are counted.");

  table.group("/stop", "How a worker is asked to end.");
  table.field("/stop/signal", kStopSignals, at(&PoolSpec::stop, &StopSpec::signal), Applies::next_spawn,
              "The signal that the worker gets first.");
  table.field("/stop/grace", kSpan, at(&PoolSpec::stop, &StopSpec::grace), Applies::next_spawn,
              "After so long all that is left of it is killed.");

  table.group("/recycle",
              "When a worker is replaced although it works; a bound one keeps its session to its end.");
  table.field("/recycle/sessions", OrOff{Integer<int>{1, 1'000'000'000}},
              at(&PoolSpec::recycle, &RecycleSpec::sessions), Applies::live, "After so many sessions.");
  table.field("/recycle/age", OrOff{kSpan}, at(&PoolSpec::recycle, &RecycleSpec::age), Applies::live,
              "When it is so old.");
  table.field("/recycle/memory", OrOff{SizeIn{mib(1), kLargest}},
              at(&PoolSpec::recycle, &RecycleSpec::memory), Applies::live, "When it uses so much memory.");
}

void add_limits(Table<PoolSpec>& table) {
  constexpr auto kApplies = Applies::recycle;
  table.group("/limits", "What one worker, with all of its processes, may have.");
  table.field("/limits/memory", OrOff{SizeIn{mib(1), kLargest}}, at(&PoolSpec::limits, &LimitsSpec::memory),
              kApplies, "Memory; a worker that needs more is ended, with reason `oom_killed`.");
  table.field("/limits/swap", OrOff{SizeIn{Bytes{0}, kLargest}}, at(&PoolSpec::limits, &LimitsSpec::swap),
              kApplies, "Swap beside the memory; \"0B\" is none, \"off\" sets no limit.");
  table.field("/limits/cpu", OrOff{Number{0.01, 4096}}, at(&PoolSpec::limits, &LimitsSpec::cpu), kApplies,
              "CPU time, in cores.");
  table.field("/limits/pids", OrOff{Integer<int>{1, 4'194'304}}, at(&PoolSpec::limits, &LimitsSpec::pids),
              kApplies,
              "Processes and threads, herd-exec among them, and the relay where `listen` needs one.");
  table.field("/limits/open_files", Integer<int>{3, 1'048'576},
              at(&PoolSpec::limits, &LimitsSpec::open_files), kApplies, "Open files of each process.");
  table.field(
      "/limits/core", SizeIn{Bytes{0}, kLargest}, at(&PoolSpec::limits, &LimitsSpec::core), kApplies,
      "Size of a core file; \"0B\" is none, and a crash starts no program of a piped kernel.core_pattern.");
}

Text root_choice() {
  return {"\"read_only_host\", \"minimal\" or the absolute path of a directory", [](std::string_view root) {
            return root == kReadOnlyHost || root == kMinimal || (clean_path().is_valid(root) && root != "/");
          }};
}

void add_filesystem(Table<PoolSpec>& table) {
  constexpr auto kApplies = Applies::recycle;
  constexpr auto kFiles = &SandboxSpec::filesystem;
  const ListOf<Text> paths{clean_path(), 0, 256, true};
  table.group("/sandbox/filesystem", "What a worker sees of the host's files.");
  table.field(
      "/sandbox/filesystem/root", root_choice(), at(&PoolSpec::sandbox, kFiles, &FilesystemSpec::root),
      kApplies,
      "`read_only_host`: the host's files. `minimal`: only the command's program, its interpreter and "
      "libraries, and what `read_only` and `writable` name (a script language's modules, /etc/passwd or "
      "certificates have to be named there; [\"/usr\"] is a start). Or a directory, such as an unpacked "
      "image, that has dev, proc, run and tmp in it. Always read-only.");
  table.field("/sandbox/filesystem/tmp", OrOff{SizeIn{kib(4), kLargest}},
              at(&PoolSpec::sandbox, kFiles, &FilesystemSpec::tmp), kApplies,
              "Size of the worker's own /tmp, in memory; \"off\": none is mounted.");
  table.field("/sandbox/filesystem/hide", paths, at(&PoolSpec::sandbox, kFiles, &FilesystemSpec::hide),
              kApplies, "Directories and files that the worker finds empty.");
  table.field("/sandbox/filesystem/read_only", paths,
              at(&PoolSpec::sandbox, kFiles, &FilesystemSpec::read_only), kApplies,
              "Paths of the host that stay visible inside hidden ones, or are brought into another root, "
              "read-only. A root directory has to have the places for them.");
  table.field("/sandbox/filesystem/writable", paths,
              at(&PoolSpec::sandbox, kFiles, &FilesystemSpec::writable), kApplies,
              "Paths of the host that the worker may write to, as far as its user may.");
}

void add_sandbox(Table<PoolSpec>& table) {
  constexpr auto kApplies = Applies::recycle;
  const Word<Namespace> namespaces{{{"pid", Namespace::pid},
                                    {"mount", Namespace::mount},
                                    {"ipc", Namespace::ipc},
                                    {"uts", Namespace::uts},
                                    {"cgroup", Namespace::cgroup}}};
  table.group("/sandbox", "What keeps a worker apart from the host and from the others.");
  table.field("/sandbox/user", account_name(), at(&PoolSpec::sandbox, &SandboxSpec::user), kApplies,
              "`auto`: a uid and gid of its own for each worker. Or the name of a user, never root.");
  table.field("/sandbox/namespaces", ListOf<Word<Namespace>>{namespaces},
              at(&PoolSpec::sandbox, &SandboxSpec::namespaces), kApplies,
              "The namespaces that each worker has for itself.");
  table.field(
      "/sandbox/network",
      Word<Network>{{{"host", Network::host}, {"none", Network::none}, {"loopback", Network::loopback}}},
      at(&PoolSpec::sandbox, &SandboxSpec::network), kApplies,
      "`host`: the host's. `none`: a network namespace with nothing in it but a loopback that is down. "
      "`loopback`: one with a loopback. In both a worker is reached over the socket that herd binds.");
  add_filesystem(table);
  table.field("/sandbox/capabilities", ListOf<Capability>{},
              at(&PoolSpec::sandbox, &SandboxSpec::capabilities), kApplies,
              "The capabilities that the worker keeps.");
  table.field("/sandbox/no_new_privs", Boolean{}, at(&PoolSpec::sandbox, &SandboxSpec::no_new_privs),
              kApplies,
              "`true`: no program that the worker starts can gain privileges (setuid, file capabilities).");
  table.field("/sandbox/landlock",
              Word<LandlockMode>{{{"off", LandlockMode::off},
                                  {"wanted", LandlockMode::wanted},
                                  {"required", LandlockMode::required}}},
              at(&PoolSpec::sandbox, &SandboxSpec::landlock), kApplies,
              "Rules of the kernel's on top of all the rest: files as the mounts have them, no TCP port "
              "bound in the host's "
              "network but the worker's own, no signal to and no abstract unix socket of anybody else. "
              "`wanted`: as far as "
              "the kernel has them, and the worker's record says how far. `required`: all of them (Linux "
              "6.12), or no start.");
  table.field(
      "/sandbox/required", Boolean{}, at(&PoolSpec::sandbox, &SandboxSpec::required), kApplies,
      "`false`: parts that this host lacks are left out, and `status` says so in each worker's record.");
}

void add_seccomp(Table<PoolSpec>& table) {
  constexpr auto kApplies = Applies::recycle;
  constexpr auto kSeccomp = &SandboxSpec::seccomp;
  table.group(
      "/sandbox/seccomp",
      "The filter of syscalls. A policy's word in the object's place stands for that policy with the other "
      "defaults: `\"seccomp\": \"off\"`.",
      Form::object, "policy");
  table.field(
      "/sandbox/seccomp/policy",
      Word<SeccompPolicy>{{{"off", SeccompPolicy::off},
                           {"log", SeccompPolicy::log},
                           {"errno", SeccompPolicy::errno_},
                           {"kill", SeccompPolicy::kill}}},
      at(&PoolSpec::sandbox, kSeccomp, &SeccompSpec::policy), kApplies,
      "What a denied syscall does: nothing is denied, it is logged, it fails with an error, it ends the "
      "worker.");
  table.field(
      "/sandbox/seccomp/profile", any_text(), at(&PoolSpec::sandbox, kSeccomp, &SeccompSpec::profile),
      kApplies,
      "Which syscalls are allowed: the name of a built-in profile (`worker`, `strict`, `network`, `docker`, "
      "`deny-dangerous`), or the absolute path of a profile file: OCI JSON as Docker and podman use it, or "
      "`{\"base\", \"allow\", \"deny\"}`. Only root or the user of herdd may be able to write it; it is "
      "read together with this file.");
  table.field(
      "/sandbox/seccomp/enter",
      Word<SeccompEnter>{{{"worker", SeccompEnter::worker}, {"exec", SeccompEnter::exec}}},
      at(&PoolSpec::sandbox, kSeccomp, &SeccompSpec::enter), kApplies,
      "`worker`: the worker calls `enter_sandbox()` itself, and the daemon checks that it did. `exec`: the "
      "filter is installed just before the worker's program starts.");
  table.field(
      "/sandbox/seccomp/denials",
      Word<seccomp::Denials>{{{"audit", seccomp::Denials::audit}, {"notify", seccomp::Denials::notify}}},
      at(&PoolSpec::sandbox, kSeccomp, &SeccompSpec::denials), kApplies,
      "How denied calls are seen. `audit`: in the kernel's audit log. `notify`: the filter asks herdd, which "
      "answers with what the profile says (seccomp_unotify(2)); for hosts where the audit log can't be read, "
      "as in containers, and for the arguments of what was denied.");
}

void add_callers(Table<PoolSpec>& table) {
  table.group("/gateway", "How HTTP requests find a worker of this pool; absent: they don't.",
              Form::object_or_absent);
  table.field("/gateway/prefix", url_prefix(), at(&PoolSpec::gateway, &GatewaySpec::prefix), Applies::live,
              "Requests whose path begins so go to this pool; of several that fit, the longest wins. It or "
              "`host` has to be there; no two pools may have the same two.");
  table.field("/gateway/host", host_name().optional(), at(&PoolSpec::gateway, &GatewaySpec::host),
              Applies::live, "Only requests to this host; they come before those to any.");
  table.group("/gateway/session",
              "Where a request names its session: exactly one of `header`, `cookie`, `path` and `query`.");
  const auto place = at(&PoolSpec::gateway, &GatewaySpec::session);
  const auto choice = [&](const char* key, SessionPlaceKind kind, const char* doc) {
    table.field(std::string("/gateway/session/") + key, SessionPlaceChoice{kind}, place, Applies::live, doc);
  };
  choice("header", SessionPlaceKind::header, "The header that holds the session's name.");
  choice("cookie", SessionPlaceKind::cookie, "The cookie that holds it.");
  choice("path", SessionPlaceKind::path, "The path's first segment after the prefix is it.");
  choice("query", SessionPlaceKind::query, "The query's parameter that holds it.");
  table.field("/gateway/session/issue", Boolean{}, at(&PoolSpec::gateway, &GatewaySpec::issue), Applies::live,
              "With `cookie`: a client without one gets a random session and its cookie. Cookies are then "
              "signed, and others count as none.");
  table.field("/gateway/create", Boolean{}, at(&PoolSpec::gateway, &GatewaySpec::create), Applies::live,
              "`true`: an unknown session is begun. `false`: the request is refused.");
  table.field("/gateway/strip_prefix", Boolean{}, at(&PoolSpec::gateway, &GatewaySpec::strip_prefix),
              Applies::live,
              "The worker sees the path without the prefix, and without the session that stands in it; "
              "`X-Forwarded-Prefix` holds what was cut.");
  table.field("/gateway/request_timeout", OrOff{kSpan}, at(&PoolSpec::gateway, &GatewaySpec::request_timeout),
              Applies::live,
              "A request that was not answered to its end by then is ended, with 504 where nothing of the "
              "answer has gone out.");
  table.field("/gateway/tunnel_idle_timeout", OrOff{kSpan},
              at(&PoolSpec::gateway, &GatewaySpec::tunnel_idle_timeout), Applies::live,
              "A WebSocket, or another upgraded connection, ends after so long without a byte either way.");

  const ListOf<Text> names{account_name(), 0, 1024, true};
  table.group("/clients",
              "Who else may acquire and release sessions of this pool; they may do nothing more.");
  table.field("/clients/users", names, at(&PoolSpec::clients, &ClientsSpec::users), Applies::live,
              "Names of users of the host.");
  table.field("/clients/groups", names, at(&PoolSpec::clients, &ClientsSpec::groups), Applies::live,
              "Names of groups of the host.");
}

Table<PoolSpec> make_table() {
  Table<PoolSpec> table;
  table.title = "herd pool file";
  add_program(table);
  add_workers(table);
  add_sessions(table);
  add_ready_and_health(table);
  add_ends(table);
  add_limits(table);
  add_sandbox(table);
  add_seccomp(table);
  add_callers(table);
  return table;
}

}  // namespace

const Table<PoolSpec>& pool_table() {
  static const Table<PoolSpec> table = make_table();
  return table;
}

}  // namespace herd::config
