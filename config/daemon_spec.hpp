// The daemon's file, herd.json, as a plain struct.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/units.hpp"

namespace herd::config {

enum class Role { none, observer, operator_, admin };  // each may do all that the ones before it may
enum class LogFormat { text, json };

struct RoleMembers {
  std::vector<std::string> users;
  std::vector<std::string> groups;
  auto operator<=>(const RoleMembers&) const = default;
};

struct ControlSpec {
  std::string path = "/run/herd/control.sock";
  std::uint32_t mode = 0660;   // "0660" in the file
  std::string group = "herd";  // owner group of the socket; its members are operators. A group that does
                               // not exist on the host leaves the socket to root's group, with a warning.
  std::map<std::string, RoleMembers> roles;  // "observer", "operator", "admin" -> users, groups
  auto operator<=>(const ControlSpec&) const = default;
};

/// What ends a request or a connection, by the name that an answer and the metrics call it.
struct GatewayLimits {
  Bytes header{32 << 10};
  int headers = 100;
  Duration header_timeout = std::chrono::seconds(10);
  Duration body_timeout = std::chrono::seconds(30);
  Duration keep_alive_timeout = std::chrono::seconds(75);
  Duration connect_timeout = std::chrono::seconds(5);
  int connections = 10'000;
  int connections_per_address = 1'000;
  int idle_connections = 8;
  auto operator<=>(const GatewayLimits&) const = default;
};

struct GatewayListenSpec {
  std::vector<std::string> listen;  // none: there is no gateway
  int threads = 1;
  bool required = true;
  GatewayLimits limits;
  auto operator<=>(const GatewayListenSpec&) const = default;
};

struct UidsSpec {
  std::uint32_t first = 1'900'000'000;
  std::uint32_t count = 65'536;
  auto operator<=>(const UidsSpec&) const = default;
};

struct LogSpec {
  std::string level = "info";  // trace debug info warn error
  LogFormat format = LogFormat::text;
  auto operator<=>(const LogSpec&) const = default;
};

struct DaemonSpec {
  std::string file;
  std::string pools_directory = "/etc/herd/pools.d";  // relative to herd.json's directory if not absolute
  ControlSpec control;
  GatewayListenSpec gateway;
  std::string cgroup_root;  // empty: herd names its own directory at the top of each hierarchy
  UidsSpec uids;
  LogSpec log;
  std::string state_directory = "/var/lib/herd";
  std::string runtime_directory;  // empty: the directory of control.path
  std::string executor;           // empty: herd-exec beside herdd, or the installed one
  auto operator<=>(const DaemonSpec&) const = default;
};

}  // namespace herd::config
