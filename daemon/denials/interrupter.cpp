#include "daemon/denials/interrupter.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#ifndef sigev_notify_thread_id  // glibc's headers have had no name for it for long (timer_create(2))
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace herd::denials {
namespace {

constexpr int kSignal = SIGURG;  // nobody here uses it, and where it has no handler it does nothing

[[noreturn]] void give_up(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

Interrupter::Interrupter() {
  struct sigaction action {};  // without SA_RESTART: the wait is to end
  action.sa_handler = [](int) {};
  if (::sigaction(kSignal, &action, nullptr) != 0) give_up("sigaction");
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = kSignal;
  event.sigev_notify_thread_id = ::gettid();
  if (::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) give_up("timer_create");
  sigset_t own;
  sigemptyset(&own);
  sigaddset(&own, kSignal);
  pthread_sigmask(SIG_UNBLOCK, &own, nullptr);
}

Interrupter::~Interrupter() {
  ::timer_delete(timer_);
}

void Interrupter::turn(bool on) {
  const timespec every{0, on ? std::chrono::nanoseconds(kEvery).count() : 0};
  const itimerspec times{every, every};
  ::timer_settime(timer_, 0, &times, nullptr);
  is_set_ = on;
}

}  // namespace herd::denials
