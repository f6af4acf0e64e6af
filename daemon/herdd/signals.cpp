#include "daemon/herdd/signals.hpp"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <system_error>

namespace herd::daemon {
namespace {

sigset_t signals_of_the_loop() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  return signals;
}

int open_signalfd() {
  const sigset_t signals = signals_of_the_loop();
  const int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
  return fd;
}

}  // namespace

void block_signals_of_the_loop() {
  const sigset_t signals = signals_of_the_loop();
  sigprocmask(SIG_SETMASK, &signals, nullptr);
  // An ignored one, as nohup(1) leaves SIGHUP, would not even become pending.
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) signal(number, SIG_DFL);
}

Signals::Signals(boost::asio::io_context& io) : descriptor_(io, open_signalfd()) {}

void Signals::start(std::function<void(int)> on_signal) {
  on_signal_ = std::move(on_signal);
  wait();
}

void Signals::cancel() {
  boost::system::error_code ignored;
  descriptor_.close(ignored);
}

void Signals::wait() {
  descriptor_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                         [this](const boost::system::error_code& error) {
                           if (error) return;
                           read_all();
                           if (descriptor_.is_open()) wait();
                         });
}

void Signals::read_all() {
  signalfd_siginfo info{};
  while (descriptor_.is_open() && read(descriptor_.native_handle(), &info, sizeof info) == sizeof info)
    on_signal_(static_cast<int>(info.ssi_signo));
}

}  // namespace herd::daemon
