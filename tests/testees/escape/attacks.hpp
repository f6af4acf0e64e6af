// What a hostile worker tries. An attack says "ok", and perhaps of what, where it got through; anything else
// is what stopped it: an errno's name, mostly.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace escape {

/// What the test tells of the world outside.
struct Target {
  pid_t victim = 0;   // another worker, by its number on the host
  int host_port = 0;  // of a listener on the host's 127.0.0.1
};

struct Attack {
  std::string name;
  std::function<std::string(const Target&)> attempt;
};

std::vector<Attack> file_attacks();
std::vector<Attack> namespace_attacks();
std::vector<Attack> process_attacks();
std::vector<Attack> ipc_attacks();
std::vector<Attack> socket_attacks();

/// What the other worker leaves where ipc_attacks() and socket_attacks() look for it: "ok" or an errno's
/// name.
std::vector<std::pair<std::string, std::string>> leave_traces();

/// Where the mounts of this namespace stand.
std::vector<std::string> mount_points();

}  // namespace escape
