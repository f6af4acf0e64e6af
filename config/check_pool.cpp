#include <algorithm>
#include <array>
#include <span>

#include "config/checks.hpp"
#include "config/text.hpp"

namespace herd::config {
namespace {

constexpr std::string_view kReadyChoices[] = {"/ready/notify", "/ready/http", "/ready/connect",
                                              "/ready/started"};

constexpr std::string_view kSessionPlaces[] = {"/gateway/session/header", "/gateway/session/cookie",
                                               "/gateway/session/path", "/gateway/session/query"};

class PoolChecks {
 public:
  PoolChecks(const PoolSpec& spec, const Node& document, const HostFacts& facts, Issues& issues)
      : spec_(spec), document_(document), facts_(facts), issues_(issues) {}

  void run() {
    command();
    environment();
    orders();
    ready();
    health();
    network();
    filesystem();
    user();
    seccomp();
    denials();
    landlock();
    gateway();
    check_accounts(spec_.clients.users, spec_.clients.groups, "/clients", document_, facts_, issues_);
  }

 private:
  void command();
  void environment();
  void reserved_name(const std::string& pointer, const std::string& name);
  void orders();
  void ready();
  void health();
  void network();
  void filesystem();
  void user();
  void seccomp();
  void denials();
  void landlock();
  void gateway();
  /// Those of the keys that the file has; more than one is refused.
  void at_most_one(const std::string& pointer, std::span<const std::string_view> choices,
                   const std::string& expected);

  void refuse(const std::string& pointer, std::string message) {
    issues_.add(document_.line_of(pointer), pointer, std::move(message));
  }
  [[nodiscard]] bool written(std::string_view pointer) const { return document_.at(pointer) != nullptr; }
  /// None of these was refused or stands inside something that was.
  template <typename... Pointers>
  [[nodiscard]] bool sound(Pointers... pointers) const {
    return (!issues_.touches(pointers) && ...);
  }
  /// `lower` may not be more than `upper`; told at whichever of the two the file has.
  template <typename T>
  void order(const std::string& lower, const T& low, const std::string& upper, const T& high,
             const std::string& values) {
    if (!sound(lower, upper) || low <= high) return;
    const std::string message = lower + " may not be more than " + upper + ": " + values;
    refuse(written(lower) ? lower : upper, message);
  }

  [[nodiscard]] const std::string& root() const { return spec_.sandbox.filesystem.root; }
  /// A directory of the host is the worker's root.
  [[nodiscard]] bool has_own_root() const {
    return root() != kReadOnlyHost && root() != kMinimal && sound("/sandbox/filesystem/root");
  }

  const PoolSpec& spec_;
  const Node& document_;
  const HostFacts& facts_;
  Issues& issues_;
};

void PoolChecks::command() {
  if (!sound("/command") || spec_.command.empty()) return;
  const std::string& program = spec_.command.front();
  if (program.substr(0, 1) != "/") {
    refuse("/command/0", "found " + quote(program) + ", expected the absolute path of a program, as " +
                             quote("/usr/bin/" + (program.empty() ? "worker" : program)) +
                             "; the PATH is not searched");
  } else if (program.find("${") != std::string::npos) {
    refuse("/command/0",
           "found " + quote(program) + ": only arguments may hold variables, not the program's path");
  } else if (const auto problem = facts_.program_problem(has_own_root() ? root() : "/", program)) {
    refuse("/command/0", quote(program) + " " + *problem + (has_own_root() ? " in " + quote(root()) : ""));
  }
}

void PoolChecks::reserved_name(const std::string& pointer, const std::string& name) {
  const auto begins_with = [&](std::string_view prefix) { return name.substr(0, prefix.size()) == prefix; };
  if (begins_with("HERD_") || begins_with("LISTEN_") || name == "NOTIFY_SOCKET" || name == "PORT") {
    refuse(pointer, quote(name) +
                        " is set by herd itself (HERD_*, LISTEN_*, NOTIFY_SOCKET, PORT) and can't be given: "
                        "remove it");
  }
}

void PoolChecks::environment() {
  if (sound("/environment")) {
    for (const auto& entry : spec_.environment)
      reserved_name(below("/environment", entry.first), entry.first);
  }
  if (!sound("/pass_environment")) return;
  for (std::size_t i = 0; i < spec_.pass_environment.size(); ++i) {
    const std::string& name = spec_.pass_environment[i];
    reserved_name(below("/pass_environment", i), name);
    if (spec_.environment.count(name) != 0) {
      refuse(below("/pass_environment", i),
             quote(name) + " is given in \"environment\" too: remove one of them");
    }
  }
}

void PoolChecks::orders() {
  const auto numbers = [](int low, int high) { return std::to_string(low) + " and " + std::to_string(high); };
  const auto& workers = spec_.workers;
  order("/workers/min", workers.min, "/workers/max", workers.max, numbers(workers.min, workers.max));
  order("/workers/spare", workers.spare, "/workers/max", workers.max, numbers(workers.spare, workers.max));
  const auto& restart = spec_.restart;
  order("/restart/backoff_min", restart.backoff_min, "/restart/backoff_max", restart.backoff_max,
        quote(format(restart.backoff_min)) + " and " + quote(format(restart.backoff_max)));
}

void PoolChecks::at_most_one(const std::string& pointer, std::span<const std::string_view> choices,
                             const std::string& expected) {
  std::string given;
  int count = 0;
  for (const std::string_view choice : choices) {
    if (!written(choice)) continue;
    given += (count++ > 0 ? ", " : "") + quote(last_of(choice));
  }
  if (count > 1) refuse(pointer, "found " + given + ", expected exactly one of " + expected);
}

void PoolChecks::ready() {
  at_most_one("/ready", kReadyChoices, R"("notify", "http", "connect", "started")");
  if (!sound("/ready", "/listen") || spec_.listen != Listen::none) return;
  const bool is_http = spec_.ready.kind == ReadyKind::http;
  if (is_http || spec_.ready.kind == ReadyKind::connect) {
    const std::string key = is_http ? "http" : "connect";
    refuse(below("/ready", key), quote(key) +
                                     " needs an address of the worker, and with \"listen\": \"none\" it has "
                                     "none: choose \"notify\" or \"started\"");
  }
}

void PoolChecks::health() {
  if (!spec_.health || !sound("/health", "/listen") || spec_.listen != Listen::none) return;
  refuse("/health/http",
         "a check by HTTP needs an address of the worker, and with \"listen\": \"none\" it has none: "
         "write \"health\": \"off\"");
}

void PoolChecks::network() {
  if (!sound("/listen", "/sandbox/network")) return;
  if (spec_.listen != Listen::port || spec_.sandbox.network != Network::none) return;
  refuse(
      written("/listen") ? "/listen" : "/sandbox/network",
      "a worker that binds its port itself can't be reached in a network namespace whose loopback interface "
      "is down: use \"network\": \"loopback\", or \"listen\": \"unix\" or \"tcp\" (herd binds)");
}

void PoolChecks::filesystem() {
  const std::string pointer = "/sandbox/filesystem/root";
  if (!sound(pointer, "/sandbox/namespaces") || root() == kReadOnlyHost) return;
  const auto& namespaces = spec_.sandbox.namespaces;
  if (std::find(namespaces.begin(), namespaces.end(), Namespace::mount) == namespaces.end()) {
    refuse(pointer, "a root of its own needs \"mount\" among the namespaces");
  } else if (has_own_root()) {
    if (const auto problem = facts_.root_problem(root())) refuse(pointer, quote(root()) + " " + *problem);
  }
}

void PoolChecks::user() {
  const std::string pointer = "/sandbox/user";
  if (!sound(pointer) || spec_.sandbox.user == "auto") return;
  const auto uid = facts_.uid_of(spec_.sandbox.user);
  if (!uid) {
    refuse(pointer, "the user " + quote(spec_.sandbox.user) +
                        " does not exist on this host; expected \"auto\" or the name of a user");
  } else if (*uid == 0) {
    refuse(pointer,
           quote(spec_.sandbox.user) +
               " has uid 0: to much of the kernel a worker with it is the host's root, whatever its sandbox; "
               "use \"auto\" and give what it needs in \"capabilities\" and \"writable\"");
  } else if (const auto problem = facts_.user_problem(*uid)) {
    refuse(pointer, "the user " + quote(spec_.sandbox.user) + " " + *problem);
  }
}

void PoolChecks::seccomp() {
  const auto& seccomp = spec_.sandbox.seccomp;
  if (!sound("/sandbox/no_new_privs", "/sandbox/seccomp", "/sandbox/capabilities")) return;
  if (spec_.sandbox.no_new_privs || seccomp.policy == SeccompPolicy::off) return;
  const auto& capabilities = spec_.sandbox.capabilities;
  if (std::find(capabilities.begin(), capabilities.end(), "CAP_SYS_ADMIN") != capabilities.end()) return;
  refuse("/sandbox/no_new_privs",
         "without no_new_privs the kernel takes a seccomp filter from nobody but a holder of CAP_SYS_ADMIN: "
         "write true here, or \"seccomp\": \"off\"");
}

void PoolChecks::denials() {
  const auto& seccomp = spec_.sandbox.seccomp;
  const std::string pointer = "/sandbox/seccomp/denials";
  if (!sound("/sandbox/seccomp") || seccomp.denials != seccomp::Denials::notify) return;
  if (seccomp.policy == SeccompPolicy::off)
    refuse(
        pointer,
        "with policy \"off\" nothing is denied, so there is nothing to be notified of: write \"audit\" here, "
        "or another policy");
}

void PoolChecks::landlock() {
  const std::string pointer = "/sandbox/landlock";
  if (!sound(pointer, "/sandbox/no_new_privs") || spec_.sandbox.landlock == LandlockMode::off) return;
  if (spec_.sandbox.no_new_privs) return;
  refuse(pointer, "Landlock rules need \"no_new_privs\": true: write \"off\" here, or leave no_new_privs on");
}

void PoolChecks::gateway() {
  if (!written("/gateway") || !sound("/gateway")) return;
  at_most_one("/gateway/session", kSessionPlaces, R"("header", "cookie", "path", "query")");
  if (!written("/gateway/prefix") && !written("/gateway/host"))
    refuse("/gateway/prefix", R"("prefix" is missing, or "host": which requests are for this pool?)");
  if (!spec_.gateway || !sound("/gateway/session", "/listen")) return;
  if (spec_.gateway->issue && spec_.gateway->session.kind != SessionPlaceKind::cookie)
    refuse("/gateway/session/issue", R"(only a "cookie" can be issued: write its name, or false here)");
  if (spec_.listen == Listen::none)
    refuse("/gateway", R"(with "listen": "none" the worker has no address that requests could go to)");
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

}  // namespace

std::string pool_name_problem(std::string_view name) {
  constexpr std::size_t kMaxName = 63;
  if (name == kGatewayPool) return quote(name) + " is herd's own gateway: rename the file";
  const bool is_good = !name.empty() && name.size() <= kMaxName && name.front() != '_' &&
                       name.front() != '-' && std::all_of(name.begin(), name.end(), is_name_character);
  if (is_good) return {};
  return quote(name) +
         " can't be a pool's name: expected at most 63 of a-z, 0-9, _ and -, a letter or digit first; rename "
         "the file";
}

void check_pool(const PoolSpec& spec, const Node& document, const HostFacts& facts, Issues& issues) {
  PoolChecks(spec, document, facts, issues).run();
}

}  // namespace herd::config
