#include "daemon/gateway/signals.hpp"

#include <sys/signalfd.h>

#include <csignal>

namespace herd::gateway {

Result<UniqueFd> Signals::block() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  if (pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return fail_errno("block SIGTERM");
  UniqueFd fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail_errno("signalfd");
  return fd;
}

Status Signals::open(Loop& loop, std::function<void()> on_term) {
  on_term_ = std::move(on_term);
  return loop.watch(fd_.get(), EPOLLIN, *this);
}

void Signals::on_events(std::uint32_t) {
  signalfd_siginfo info;
  while (read(fd_.get(), &info, sizeof info) == sizeof info) on_term_();
}

}  // namespace herd::gateway
