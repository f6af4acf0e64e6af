// herd-gateway: HTTP/1.1 and WebSocket in, by session, to the right worker. Herdd starts it as a worker, with
// its line as fd 3.
#include <fcntl.h>
#include <sodium.h>

#include <cstdio>
#include <exception>
#include <herd/worker.hpp>
#include <string>

#include "daemon/gateway/gateway.hpp"

namespace herd::gateway {
namespace {

constexpr int kLineFd = 3;

Status serve() {
  if (sodium_init() < 0) return fail("libsodium finds no source of random numbers");
  if (fcntl(kLineFd, F_SETFD, FD_CLOEXEC) != 0) return fail_errno("fd 3, the line to herdd");
  HERD_TRY(UniqueFd signals, Signals::block());
  HERD_TRY(const auto gateway, Gateway::start(UniqueFd(kLineFd), std::move(signals)));
  // The threads run by now, and the filter is theirs, too.
  herd::enter_sandbox();
  herd::notify_ready();
  return gateway->run();
}

}  // namespace
}  // namespace herd::gateway

int main() {
  std::string why;
  try {
    const auto served = herd::gateway::serve();
    if (served) return 0;
    why = served.error().message;
  } catch (const std::exception& error) {
    why = error.what();
  }
  std::fprintf(stderr, "herd-gateway: %s\n", why.c_str());
  return 1;
}
