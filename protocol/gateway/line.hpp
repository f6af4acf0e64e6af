// What herdd and a gateway say to each other on the gateway's line (a SOCK_SEQPACKET pair, one JSON object a
// message), which is the gateway's fd 3 when it starts.
//
// The gateway asks for a session once and keeps the answer until herdd says that the session has ended. So a
// request of a session that it knows asks nobody, and goes on while there is no herdd.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "common/error.hpp"
#include "protocol/gateway/settings.hpp"

namespace herd::gateway {

// ---- from herdd
// --------------------------------------------------------------------------------------------

/// Carries a sealed memfd with the Settings. The first message; again with each change.
struct Configure {};
/// Carries a listening stream socket, for `address`: "tcp:IP:PORT" or "unix:PATH".
struct AddListener {
  std::string address;
};
/// What it has accepted is served to its end.
struct RemoveListener {
  std::string address;
};
/// The answer to an Acquire. From now on the gateway is told when the session ends. Where `address` is
/// "unix:PATH" it carries an O_PATH fd of that socket, to be connected to by /proc/self/fd/N.
struct Granted {
  std::uint64_t request = 0;
  std::string worker;
  std::string address;  // or "tcp:127.0.0.1:PORT"
  bool created = false;
};
/// The answer to an Acquire that says no, as the control socket's would: status, stable code, sentence,
/// advice.
struct Refused {
  std::uint64_t request = 0;
  unsigned status = 503;
  std::string code, message, hint;
  std::optional<int> retry_after_seconds;
};
/// A session that was granted is over; its worker takes nothing more of it.
struct SessionEnded {
  std::string pool, session, worker;
  std::string reason;    // the stable word: "oom_killed"
  std::string sentence;  // for people: "killed for its memory"
};

using ToGateway = std::variant<Configure, AddListener, RemoveListener, Granted, Refused, SessionEnded>;

// ---- from the gateway
// --------------------------------------------------------------------------------------------

/// Answered by Granted or Refused, in the pool's own time.
struct Acquire {
  std::uint64_t request = 0;
  std::string pool, session;
  bool creates = true;  // false: only a session that there is
};
/// Who asked has gone. The answer may be on its way all the same.
struct Cancel {
  std::uint64_t request = 0;
};
/// Requests or tunnels of a granted session are open: it does not rest until Idle, or the line's end.
struct Busy {
  std::string pool, session, worker;
};
/// The last of them ended so long ago. `worker`: the one that was granted; another has a session of its own.
struct Idle {
  std::string pool, session, worker;
  Milliseconds ago{};
};
/// Carries a sealed memfd with the gateway's Statistics (statistics.hpp), a second after the last at the
/// soonest, where they have changed.
struct Report {};

using FromGateway = std::variant<Acquire, Cancel, Busy, Idle, Report>;

std::string to_json(const ToGateway& message);
Result<ToGateway> parse_to_gateway(const std::string& text);
std::string to_json(const FromGateway& message);
Result<FromGateway> parse_from_gateway(const std::string& text);

}  // namespace herd::gateway
