// systemd's notification protocol: one datagram of NAME=value lines to the unix socket in NOTIFY_SOCKET.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "herd/worker.h"
#include "internal.h"

enum { kMaxStatus = 1024 };

static int notify_address(const char* name, struct sockaddr_un* address, socklen_t* length) {
  const size_t size = strlen(name);
  if ((name[0] != '/' && name[0] != '@') || size < 2)
    return herd_internal_fail(EINVAL, "notify: NOTIFY_SOCKET is '%.80s', neither a path nor @abstract", name);
  if (size >= sizeof address->sun_path)
    return herd_internal_fail(ENAMETOOLONG,
                              "notify: NOTIFY_SOCKET has %zu characters, a socket's name %zu at most", size,
                              sizeof address->sun_path - 1);
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  memcpy(address->sun_path, name, size);
  if (name[0] == '@') address->sun_path[0] = '\0';
  // An abstract name is as long as it is said to be; a path also counts its ending zero.
  *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (name[0] == '@' ? 0 : 1));
  return 0;
}

static int notify(const char* message) {
  const char* name = getenv("NOTIFY_SOCKET");
  if (name == NULL || name[0] == '\0') return 1;
  struct sockaddr_un address;
  socklen_t length = 0;
  const int result = notify_address(name, &address, &length);
  if (result != 0) return result;

  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return herd_internal_fail(errno, "notify: socket: %s", strerror(errno));
  const size_t size = strlen(message);
  ssize_t sent;
  do {
    sent = sendto(fd, message, size, MSG_NOSIGNAL, (const struct sockaddr*)&address, length);
  } while (sent < 0 && errno == EINTR);
  const int why = errno;
  close(fd);
  if (sent < 0) return herd_internal_fail(why, "notify: send to '%.110s': %s", name, strerror(why));
  return 0;
}

int herd_internal_notify_socket(void) {
  const char* name = getenv("NOTIFY_SOCKET");
  if (name == NULL || name[0] == '\0') return herd_internal_fail(EINVAL, "notify: NOTIFY_SOCKET is missing");
  struct sockaddr_un address;
  socklen_t length = 0;
  const int result = notify_address(name, &address, &length);
  if (result != 0) return result;
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return herd_internal_fail(errno, "notify: socket: %s", strerror(errno));
  if (connect(fd, (const struct sockaddr*)&address, length) == 0) return fd;
  const int why = errno;
  close(fd);
  return herd_internal_fail(why, "notify: connect to '%.110s': %s", name, strerror(why));
}

int herd_notify_ready(void) {
  return notify("READY=1");
}

int herd_notify_stopping(void) {
  return notify("STOPPING=1");
}

int herd_notify_status(const char* text) {
  if (text == NULL) return herd_internal_fail(EINVAL, "notify: no status text");
  // A second line would be a field of its own: "x\nREADY=1".
  if (strchr(text, '\n') != NULL) return herd_internal_fail(EINVAL, "notify: a status text is one line");
  if (strlen(text) > kMaxStatus)
    return herd_internal_fail(E2BIG, "notify: a status text has %d bytes at most", kMaxStatus);
  char message[sizeof "STATUS=" + kMaxStatus];
  snprintf(message, sizeof message, "STATUS=%s", text);
  return notify(message);
}
