// What `run` and `seccomp record POOL` have to do with the run socket alike.
#pragma once

#include <array>
#include <span>

#include "cli/context.hpp"
#include "cli/relay.hpp"
#include "protocol/run/messages.hpp"

namespace herd::cli {

inline constexpr int kSignalBase = 128;

Result<UniqueFd> connect_for_run(const Context& context);
/// Of a connection that could not be made.
int exit_code_of(const Error& connecting);
/// Of a command that was not started.
int exit_code_of(const run::Answer& refusal);

Status send_request(int connection, const run::Request& request, std::span<const int> fds);

/// The caller's own files go to the command as they are; what of them is a terminal is copied through a pipe.
struct CommandFiles {
  std::array<UniqueFd, 3> piped;
  std::array<int, 3> fds;
  Relay relay;
};
Status pipe_terminals(CommandFiles& files);

}  // namespace herd::cli
