// The least that is a worker: for measuring how fast one starts.
#include <herd/worker.h>
#include <stdlib.h>
#include <unistd.h>

int main(void) {
  // Without a passed filter the policy is off, or herd-exec has installed it.
  if (getenv("HERD_SECCOMP_FD") != NULL && herd_enter_sandbox() != 0) return 1;
  if (herd_notify_ready() < 0) return 1;
  pause();
  return 0;
}
