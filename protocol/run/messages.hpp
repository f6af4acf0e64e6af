// `herdctl run` and `herdctl seccomp record POOL`: what herdctl and herdd say on the run socket
// (SOCK_SEQPACKET, beside the control socket).
//
// One connection is one command. The client sends one request with its stdin, stdout and stderr as fds, and
// gets one answer when the command has ended, or could not be started. Closing the connection ends the
// command; so does a second message. The command works on the caller's own files, so nothing is copied
// through the daemon; a terminal is one that herdctl makes for it, never the caller's own, so nothing that
// the command does to it reaches the caller's.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"

namespace herd::run {

inline constexpr std::size_t kMaxWords = 4096;

/// The run socket that belongs to a control socket.
std::string socket_path(const std::string& control_path);

struct Request {
  std::string pool;
  std::vector<std::string> command;  // [0] absolute; empty: the pool's own, where it is recorded
  bool is_terminal = false;          // the three fds are one terminal, made for this command
  std::string terminal_type;         // TERM, empty: not set
  bool records = false;              // every call of it waits for an answer of the client's
};

/// Before the answer to a request that records: the command is about to begin. Carries the listener of the
/// filter that it has in the place of the pool's (seccomp_unotify(2)).
struct Caught {
  std::vector<std::string> command;
  std::string address;      // where it is reached; empty: nowhere
  bool needs_exec = false;  // the pool's filter is there before the program
};

struct Answer {
  bool started = false;  // false: `code` and `message` say why not
  int exit_code = 0;     // of the command; 128 + n where signal n ended it
  std::string code, message;
};

/// An error where a word holds bytes that are no UTF-8.
Result<std::string> to_json(const Request& request);
Result<Request> parse_request(const std::string& text);
std::string to_json(const Answer& answer);
Result<Answer> parse_answer(const std::string& text);
std::string to_json(const Caught& caught);
/// Nothing: it is another message.
std::optional<Caught> parse_caught(const std::string& text);

}  // namespace herd::run
