// What herdd and herd-exec say to each other on the owner's line (a SOCK_SEQPACKET pair, one JSON object a
// message).
//
// The line is also the leash: when every copy of herdd's end is closed, herd-exec stops its worker and exits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "common/error.hpp"

namespace herd::launch {

// ---- from herd-exec
// --------------------------------------------------------------------------------------------

/// The worker runs its own program. Carries the worker's pidfd, and the relay's where there is one.
struct Started {
  int pid_inside = 0;
  int landlock_abi = 0;  // of the rules that it is under; 0: none
};
struct Failed {
  std::string stage;
  int errno_value = 0;
  std::string message;
};
struct NotifiedReady {};
struct NotifiedStatus {
  std::string text;
};
/// A READY=1 that came from another process than the worker was refused.
struct NotifyRefused {
  int pid_inside = 0;
};
/// Carries the listener of the worker's filter, where the plan says that it has one.
struct SeccompListener {};
/// The worker ended; `asked` if herd-exec had been told to stop it before.
struct Exited {
  int code = 0;
  int signal = 0;
  bool core = false;
  bool asked = false;
};
/// The relay ended before the worker did, which is being stopped now.
struct RelayEnded {
  int code = 0;
  int signal = 0;
};
/// The answer to a MakeSocket. Carries the socket, unless there is an errno.
struct MadeSocket {
  std::uint64_t request = 0;
  int errno_value = 0;
};

using FromExec = std::variant<Started, Failed, NotifiedReady, NotifiedStatus, NotifyRefused, SeccompListener,
                              Exited, RelayEnded, MadeSocket>;

// ---- from herdd
// ------------------------------------------------------------------------------------------------

/// First to a worker's herd-exec: the plan and its fds (see plan.hpp).
inline constexpr std::string_view kPlan = "plan";
/// Then, once the worker's cgroups have their limits: the `tasks` files of those to join (v1). Nothing of the
/// worker's runs before.
inline constexpr std::string_view kCgroups = "cgroups";
/// To a herd-exec that is to build a base tree instead, with a sealed memfd of its Root (plan.hpp): it
/// answers with kBaseTree, its mount namespace's fd and a sealed memfd of the UsedFiles, or with Failed, and
/// exits.
inline constexpr std::string_view kBuildBaseTree = "build_base_tree";
inline constexpr std::string_view kBaseTree = "base_tree";
/// To a herd-exec that is to guard frozen workers: then one message for each, with a file and the word that,
/// written to it, thaws the worker. It writes them all when herdd's end is closed.
inline constexpr std::string_view kGuardFrozen = "guard_frozen";

/// The stop signal now, SIGKILL for the whole tree after the grace; zero grace: at once.
struct Stop {
  int signal = 15;
  std::int64_t grace_ms = 0;
};

/// For a TCP socket over IPv4, non-blocking and not connected, that was made in the worker's network
/// namespace: what is connected with it arrives there, wherever it is used (network_namespaces(7)).
struct MakeSocket {
  std::uint64_t request = 0;  // comes back with the answer
};

using ToExec = std::variant<Stop, MakeSocket>;

std::string to_json(const FromExec& message);
Result<FromExec> parse_from_exec(const std::string& text);
std::string to_json(const ToExec& message);
Result<ToExec> parse_to_exec(const std::string& text);

}  // namespace herd::launch
