#include <limits>

#include "config/fields.hpp"

namespace herd::config {
namespace {

constexpr auto kRestart = Applies::restart;

/// The list of one role; the role is made when the file names it.
auto role_members(std::string role, std::vector<std::string> RoleMembers::*list) {
  return bind<DaemonSpec>([=](auto& spec) {
    auto& roles = spec.control.roles;
    if constexpr (std::is_const_v<std::remove_reference_t<decltype(spec)>>) {
      const auto found = roles.find(role);
      return found == roles.end() ? nullptr : &(found->second.*list);
    } else {
      return &(roles[role].*list);
    }
  });
}

void add_control(Table<DaemonSpec>& table) {
  const ListOf<Text> names{account_name(), 0, 1024, true};
  table.group("/control", "The control socket, and who may use it.");
  table.field("/control/path", socket_path(), at(&DaemonSpec::control, &ControlSpec::path), kRestart,
              "Where the control socket is.");
  table.field("/control/mode", OctalMode{}, at(&DaemonSpec::control, &ControlSpec::mode), kRestart,
              "The socket's file mode. What a caller may do is decided by who it is, not by this.");
  table.field(
      "/control/group", account_name(), at(&DaemonSpec::control, &ControlSpec::group), kRestart,
      "The socket's group; its members are operators. Where it does not exist the socket stays root's.");
  table.group("/control/roles", "Who has which role besides root, the daemon's user and `group`.");
  for (const std::string role : {"observer", "operator", "admin"}) {
    table.group("/control/roles/" + role, "Who is " + role + ", with all that the lesser roles may do.");
    table.field("/control/roles/" + role + "/users", names, role_members(role, &RoleMembers::users),
                Applies::live, "Names of users of the host.");
    table.field("/control/roles/" + role + "/groups", names, role_members(role, &RoleMembers::groups),
                Applies::live, "Names of groups of the host.");
  }
}

void add_gateway(Table<DaemonSpec>& table) {
  constexpr DurationIn kTime{std::chrono::milliseconds(100), std::chrono::hours(24)};
  constexpr auto kLive = Applies::live;
  const auto limit = [](auto member) { return at(&DaemonSpec::gateway, &GatewayListenSpec::limits, member); };
  table.group("/gateway", "The HTTP gateway, herd-gateway.");
  table.field("/gateway/listen", ListOf<Text>{listen_address(), 0, 64, true},
              at(&DaemonSpec::gateway, &GatewayListenSpec::listen), kLive,
              "Where it takes connections; nowhere: there is no gateway.");
  table.field("/gateway/threads", Integer<int>{1, 256}, at(&DaemonSpec::gateway, &GatewayListenSpec::threads),
              kLive, "With so many threads. A change replaces the gateway, without a lost request.");
  table.field(
      "/gateway/required", Boolean{}, at(&DaemonSpec::gateway, &GatewayListenSpec::required), kLive,
      "`false`: parts of the gateway's own sandbox that this host lacks are left out, and its record says "
      "so. A change replaces the gateway, too.");
  table.group("/gateway/limits",
              "What ends a request or a connection. Each is counted in the metrics, by its name here.");
  table.field("/gateway/limits/header", SizeIn{Bytes{1 << 10}, Bytes{1 << 20}}, limit(&GatewayLimits::header),
              kLive, "Of a request, with its first line; of a worker's answer too.");
  table.field("/gateway/limits/headers", Integer<int>{10, 10'000}, limit(&GatewayLimits::headers), kLive,
              "So many headers may a request have.");
  table.field("/gateway/limits/header_timeout", kTime, limit(&GatewayLimits::header_timeout), kLive,
              "From a request's first byte to the end of its header.");
  table.field("/gateway/limits/body_timeout", kTime, limit(&GatewayLimits::body_timeout), kLive,
              "So long may a client send nothing of its body, or take nothing of its answer.");
  table.field("/gateway/limits/keep_alive_timeout", kTime, limit(&GatewayLimits::keep_alive_timeout), kLive,
              "So long is a connection kept without a request.");
  table.field("/gateway/limits/connect_timeout", kTime, limit(&GatewayLimits::connect_timeout), kLive,
              "So long may a worker take to accept a connection.");
  table.field("/gateway/limits/connections", Integer<int>{1, 1'000'000}, limit(&GatewayLimits::connections),
              kLive,
              "Of clients, all together. Where herdd may have too few open files (`LimitNOFILE=`), fewer.");
  table.field("/gateway/limits/connections_per_address", Integer<int>{1, 1'000'000},
              limit(&GatewayLimits::connections_per_address), kLive, "From one IP address.");
  table.field("/gateway/limits/idle_connections", Integer<int>{0, 10'000},
              limit(&GatewayLimits::idle_connections), kLive,
              "So many connections to one worker are kept for its next requests, on each thread.");
}

void add_host(Table<DaemonSpec>& table) {
  // The last uid, 4294967295, means "no change" to the kernel.
  constexpr Integer<std::uint32_t> kFirst{65'536, std::numeric_limits<std::uint32_t>::max() - 1};
  constexpr Integer<std::uint32_t> kCount{1, std::numeric_limits<std::uint32_t>::max() - 65'536};
  table.group("/cgroup", "Where the workers' cgroups are.");
  table.field("/cgroup/root", relative_name().optional(), at(&DaemonSpec::cgroup_root), kRestart,
              "The name of herd's own cgroup, at the top of every hierarchy; absent: herd chooses it.");
  table.group("/uids",
              "The uids and gids for workers with `\"user\": \"auto\"`, one each. Without root, and in "
              "a user namespace that lacks the default ones, they are the longest span that is mapped.");
  table.field("/uids/first", kFirst, at(&DaemonSpec::uids, &UidsSpec::first), kRestart, "The first of them.");
  table.field("/uids/count", kCount, at(&DaemonSpec::uids, &UidsSpec::count), kRestart,
              "How many there are.");
}

void add_log(Table<DaemonSpec>& table) {
  const Word<std::string> levels{
      {{"trace", "trace"}, {"debug", "debug"}, {"info", "info"}, {"warn", "warn"}, {"error", "error"}}};
  table.group("/log", "The daemon's own log, on its standard error.");
  table.field("/log/level", levels, at(&DaemonSpec::log, &LogSpec::level), Applies::live,
              "The least important messages that are written.");
  table.field("/log/format", Word<LogFormat>{{{"text", LogFormat::text}, {"json", LogFormat::json}}},
              at(&DaemonSpec::log, &LogSpec::format), Applies::live,
              "For people, or one JSON object a line.");
}

Table<DaemonSpec> make_table() {
  Table<DaemonSpec> table;
  table.title = "herd.json";
  table.field("/pools_directory", some_path(), at(&DaemonSpec::pools_directory), Applies::live,
              "Where the pool files are; a relative path begins at the directory of herd.json.");
  table.field("/state_directory", clean_path(), at(&DaemonSpec::state_directory), kRestart,
              "What must outlive a reboot, such as the counters of worker ids.");
  table.field("/runtime_directory", clean_path().optional(), at(&DaemonSpec::runtime_directory), kRestart,
              "Where sockets are made; absent: the directory of `control.path`.");
  table.field("/executor", absolute_path().optional(), at(&DaemonSpec::executor), kRestart,
              "The herd-exec to use; absent: the one beside herdd, or the installed one.");
  add_control(table);
  add_gateway(table);
  add_host(table);
  add_log(table);
  return table;
}

}  // namespace

const Table<DaemonSpec>& daemon_table() {
  static const Table<DaemonSpec> table = make_table();
  return table;
}

}  // namespace herd::config
