// One pool file as a plain struct: what the reader yields and everything after it trusts.
// Immutable once read; the defaults here are the contract's.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/seccomp/profile.hpp"
#include "common/units.hpp"

namespace herd::config {

using namespace std::chrono_literals;

enum class Lease { idle, connection };
enum class Listen { unix_socket, tcp, port, none };
enum class Network { host, none, loopback };
enum class SeccompPolicy { off, log, errno_, kill };
enum class SeccompEnter { worker, exec };
enum class LandlockMode { off, wanted, required };
enum class Namespace { pid, mount, ipc, uts, cgroup };

struct WorkersSpec {
  int min = 1;
  int max = 10;
  int spare = 1;
  int start_concurrency = 8;
  auto operator<=>(const WorkersSpec&) const = default;
};

struct SessionsSpec {
  Lease lease = Lease::idle;
  std::optional<Duration> idle_timeout = 5min;  // empty: "off"
  std::optional<Duration> max_lifetime;         // empty: "off"
  bool reuse = false;
  Duration acquire_timeout = 30s;
  int queue_limit = 256;
  auto operator<=>(const SessionsSpec&) const = default;
};

enum class ReadyKind { notify, http, connect, started };
struct ReadySpec {
  ReadyKind kind = ReadyKind::notify;  // `connect` where listen is `port` and the file says nothing
  std::string http_path;               // kind == http
  Duration timeout = 30s;
  auto operator<=>(const ReadySpec&) const = default;
};

struct HealthSpec {
  std::string http_path;
  Duration interval = 5s;
  Duration timeout = 2s;
  int failures = 3;
  auto operator<=>(const HealthSpec&) const = default;
};

struct RestartSpec {
  Duration backoff_min = 100ms;
  Duration backoff_max = 30s;
  Duration reset_after = 60s;
  int burst = 5;
  Duration window = 10s;
  auto operator<=>(const RestartSpec&) const = default;
};

struct StopSpec {
  int signal = 15;  // a number here, a name ("SIGTERM") in the file
  Duration grace = 10s;
  auto operator<=>(const StopSpec&) const = default;
};

struct RecycleSpec {
  std::optional<int> sessions;
  std::optional<Duration> age;
  std::optional<Bytes> memory;
  auto operator<=>(const RecycleSpec&) const = default;
};

struct LimitsSpec {
  std::optional<Bytes> memory = mib(256);  // empty: "off"
  std::optional<Bytes> swap = Bytes{0};
  std::optional<double> cpu = 0.5;  // cores
  std::optional<int> pids = 100;
  int open_files = 1024;
  Bytes core{0};
  auto operator<=>(const LimitsSpec&) const = default;
};

inline constexpr const char* kReadOnlyHost = "read_only_host";
inline constexpr const char* kMinimal = "minimal";

struct FilesystemSpec {
  std::string root = kReadOnlyHost;    // kMinimal, or a directory's absolute path
  std::optional<Bytes> tmp = mib(64);  // empty: "off", no private /tmp is mounted
  std::vector<std::string> hide = {"/home", "/root"};
  std::vector<std::string> read_only;
  std::vector<std::string> writable;
  auto operator<=>(const FilesystemSpec&) const = default;
};

/// Never empty; compared by content.
struct SharedProfile {
  std::shared_ptr<const seccomp::Profile> value = worker_profile();
  bool operator==(const SharedProfile& other) const { return value == other.value || *value == *other.value; }

  /// The built-in one, shared.
  static std::shared_ptr<const seccomp::Profile> worker_profile();
};

struct SeccompSpec {
  SeccompPolicy policy = SeccompPolicy::errno_;
  std::string profile = "worker";  // of a built-in profile, or the absolute path of a file
  SharedProfile rules;             // what that is, read together with the pool file
  SeccompEnter enter = SeccompEnter::worker;
  seccomp::Denials denials = seccomp::Denials::audit;
  bool operator==(const SeccompSpec&) const = default;
};

struct SandboxSpec {
  std::string user = "auto";
  std::vector<Namespace> namespaces = {Namespace::pid, Namespace::mount, Namespace::ipc, Namespace::uts,
                                       Namespace::cgroup};
  Network network = Network::host;
  FilesystemSpec filesystem;
  std::vector<std::string> capabilities;  // names as "CAP_NET_BIND_SERVICE"
  bool no_new_privs = true;
  LandlockMode landlock = LandlockMode::off;
  SeccompSpec seccomp;
  bool required = true;
  bool operator==(const SandboxSpec&) const = default;
};

enum class SessionPlaceKind { header, cookie, path, query };

/// Where a request names its session.
struct SessionPlaceSpec {
  SessionPlaceKind kind = SessionPlaceKind::header;
  std::string name = "X-Session-ID";  // path: empty
  auto operator<=>(const SessionPlaceSpec&) const = default;
};

struct GatewaySpec {
  std::string prefix = "/";
  std::string host;  // empty: any
  SessionPlaceSpec session;
  bool issue = false;  // cookie only: a client that has none gets one
  bool create = true;
  bool strip_prefix = false;
  std::optional<Duration> request_timeout = std::chrono::minutes(10);
  std::optional<Duration> tunnel_idle_timeout = std::chrono::hours(1);
  auto operator<=>(const GatewaySpec&) const = default;
};

struct ClientsSpec {
  std::vector<std::string> users;
  std::vector<std::string> groups;
  auto operator<=>(const ClientsSpec&) const = default;
};

/// herd's own pool, of gateways; no pool file may have this name.
inline constexpr std::string_view kGatewayPool = "herd-gateway";

struct PoolSpec {
  std::string name;  // the file's name without ".json"
  std::string file;  // where it was read from, for messages
  std::vector<std::string> command;
  std::map<std::string, std::string> environment;
  std::vector<std::string> pass_environment;
  std::string working_directory = "/";
  WorkersSpec workers;
  SessionsSpec sessions;
  Listen listen = Listen::unix_socket;
  ReadySpec ready;
  std::optional<HealthSpec> health;
  RestartSpec restart;
  StopSpec stop;
  RecycleSpec recycle;
  LimitsSpec limits;
  SandboxSpec sandbox;
  std::optional<GatewaySpec> gateway;
  ClientsSpec clients;
  bool operator==(const PoolSpec&) const = default;
};

}  // namespace herd::config
