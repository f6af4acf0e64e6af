// The gateway's own answers: the control socket's shape, with a worker's end where that is the reason.
#pragma once

#include <optional>
#include <string>

#include "protocol/gateway/line.hpp"

namespace herd::gateway {

struct Refusal {
  int status = 500;
  std::string code, message;
  std::string hint = {};    // may be empty
  std::string pool = {};    // may be empty
  std::string reason = {};  // the word for a worker's end; may be empty
  std::optional<int> retry_after_seconds = {};
};

Refusal refusal_of(const Refused& refused, const std::string& pool);
Refusal bad_request(int status, const std::string& message);
Refusal no_daemon(const std::string& pool);

struct RefusalManners {
  bool closes = false;
  bool says_keep_alive = false;  // to HTTP/1.0
  bool has_no_body = false;      // the answer to HEAD
};
/// The whole answer.
std::string to_text(const Refusal& refusal, const RefusalManners& manners);

}  // namespace herd::gateway
