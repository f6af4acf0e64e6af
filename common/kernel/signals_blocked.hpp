// While one lives, the calling thread takes no signal. A thread that is started meanwhile takes none either,
// from its first moment on: they are for the daemon's loop, and no handler may run in a child that shares
// this memory.
#pragma once

#include <signal.h>

namespace herd::kernel {

class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace herd::kernel
