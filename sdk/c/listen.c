// systemd's socket passing: LISTEN_FDS sockets from fd 3 on, meant for the process LISTEN_PID alone. herd
// passes one.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "herd/worker.h"
#include "internal.h"

enum { kFirstPassedFd = 3 };

int herd_listen_fd(void) {
  const char* count = getenv("LISTEN_FDS");
  const char* pid = getenv("LISTEN_PID");
  if (count == NULL || pid == NULL)
    return herd_internal_fail(ENOENT, "listener: none was passed (LISTEN_FDS, LISTEN_PID)");
  // A child inherits the variables, yet not the socket's ownership: it must not take the parent's listener.
  if (herd_internal_number(pid) != getpid())
    return herd_internal_fail(ENOENT, "listener: it was passed to process '%.20s', this is %d", pid,
                              (int)getpid());
  if (herd_internal_number(count) < 1)
    return herd_internal_fail(EINVAL, "listener: LISTEN_FDS is '%.20s', not a number above 0", count);

  int listening = 0;
  socklen_t size = sizeof listening;
  if (getsockopt(kFirstPassedFd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0)
    return herd_internal_fail(errno, "listener: fd %d: %s", kFirstPassedFd, strerror(errno));
  if (!listening)
    return herd_internal_fail(EINVAL, "listener: fd %d is a socket that does not listen", kFirstPassedFd);
  if (fcntl(kFirstPassedFd, F_SETFD, FD_CLOEXEC) != 0)
    return herd_internal_fail(errno, "listener: set close-on-exec: %s", strerror(errno));
  return kFirstPassedFd;
}
