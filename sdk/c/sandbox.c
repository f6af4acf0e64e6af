// enter_sandbox(): the filter comes compiled in a sealed memfd, so all that is left is to check it and hand
// it to the kernel. Whatever is missing, unknown or contradictory is an error: it never falls open.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "herd/worker.h"
#include "internal.h"

// Newer than the headers of Debian 11 and kernel 5.7.
#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH (1UL << 4)
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

enum policy { POLICY_NOT_UNDER_HERD, POLICY_OFF, POLICY_LOG, POLICY_ERRNO, POLICY_KILL };

enum { kNeededSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW };

// Guards the two below and makes a concurrent second call wait for the first one's result.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool entered;
static enum herd_sandbox state = HERD_SANDBOX_NOT_TRIED;

// getenv, not secure_getenv: that one hides the variables after a set-uid exec, which would look like "not
// under herd" and leave the process open.
static int read_policy(enum policy* policy) {
  const char* word = getenv("HERD_SECCOMP_PROFILE");
  if (word == NULL) {
    static const char* const marks[] = {"HERD_WORKER_ID", "HERD_POOL", "HERD_SECCOMP_FD"};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; ++i)
      if (getenv(marks[i]) != NULL)
        return herd_internal_fail(EINVAL, "enter sandbox: %s is set, yet HERD_SECCOMP_PROFILE is missing",
                                  marks[i]);
    *policy = POLICY_NOT_UNDER_HERD;
    return 0;
  }
  static const struct {
    const char* word;
    enum policy policy;
  } known[] = {{"off", POLICY_OFF}, {"log", POLICY_LOG}, {"errno", POLICY_ERRNO}, {"kill", POLICY_KILL}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; ++i) {
    if (strcmp(word, known[i].word) == 0) {
      *policy = known[i].policy;
      return 0;
    }
  }
  return herd_internal_fail(
      EINVAL, "enter sandbox: HERD_SECCOMP_PROFILE is '%.40s', not off, log, errno or kill", word);
}

static int filter_fd(void) {
  const char* text = getenv("HERD_SECCOMP_FD");
  if (text == NULL) return herd_internal_fail(EINVAL, "enter sandbox: HERD_SECCOMP_FD is missing");
  const int fd = herd_internal_number(text);
  if (fd < 0)
    return herd_internal_fail(EINVAL, "enter sandbox: HERD_SECCOMP_FD is '%.40s', not a number", text);
  return fd;
}

// Only a sealed memfd can't change between this check and its use, nor be a file that someone put at that
// number.
static int check_filter(int fd, size_t* size) {
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0)
    return herd_internal_fail(errno, "enter sandbox: HERD_SECCOMP_FD %d %s", fd,
                              errno == EBADF ? "is not open" : "is not a memfd");
  if ((seals & kNeededSeals) != kNeededSeals)
    return herd_internal_fail(EPERM, "enter sandbox: HERD_SECCOMP_FD %d is not sealed", fd);
  struct stat about;
  if (fstat(fd, &about) != 0)
    return herd_internal_fail(errno, "enter sandbox: fstat of HERD_SECCOMP_FD %d: %s", fd, strerror(errno));
  if (!S_ISREG(about.st_mode))
    return herd_internal_fail(EINVAL, "enter sandbox: HERD_SECCOMP_FD %d is not a regular file", fd);
  if (about.st_size == 0 || about.st_size % (off_t)sizeof(struct sock_filter) != 0)
    return herd_internal_fail(EINVAL,
                              "enter sandbox: the filter has %lld bytes, not a number of whole instructions",
                              (long long)about.st_size);
  if (about.st_size > (off_t)(BPF_MAXINSNS * sizeof(struct sock_filter)))
    return herd_internal_fail(E2BIG, "enter sandbox: the filter has %lld instructions, the kernel takes %d",
                              (long long)about.st_size / (long long)sizeof(struct sock_filter), BPF_MAXINSNS);
  *size = (size_t)about.st_size;
  return 0;
}

// By position, as the offset is shared with whoever wrote the filter.
static int read_filter(int fd, char* into, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t count = pread(fd, into + done, size - done, (off_t)done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return herd_internal_fail(errno, "enter sandbox: read the filter: %s", strerror(errno));
    if (count == 0) return herd_internal_fail(EIO, "enter sandbox: the filter ended early");
    done += (size_t)count;
  }
  return 0;
}

static int install(struct sock_filter* instructions, size_t size, enum policy policy) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return herd_internal_fail(errno, "enter sandbox: set no-new-privs: %s", strerror(errno));
  struct sock_fprog program = {.len = (unsigned short)(size / sizeof *instructions), .filter = instructions};
  // A killed process is logged by the kernel anyway.
  const unsigned flags = SECCOMP_FILTER_FLAG_TSYNC | (policy == POLICY_KILL ? 0 : SECCOMP_FILTER_FLAG_LOG);
  const long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  if (result < 0) return herd_internal_fail(errno, "enter sandbox: install the filter: %s", strerror(errno));
  // TSYNC reports a thread that it could not bring along by its id, a positive number; then no thread has the
  // filter.
  if (result > 0)
    return herd_internal_fail(
        ESRCH, "enter sandbox: thread %ld has a filter of its own, so not all would share one", result);
  return 0;
}

// Whether herd is to answer in the filter's place, for which it needs the listener.
static int wants_listener(bool* wanted) {
  const char* word = getenv("HERD_SECCOMP_DENIALS");
  *wanted = word != NULL;
  if (word == NULL || strcmp(word, "notify") == 0) return 0;
  return herd_internal_fail(EINVAL, "enter sandbox: HERD_SECCOMP_DENIALS is '%.40s', not notify", word);
}

// The listener's fd. A call that herd was asked about is given up for nothing but SIGKILL where the kernel
// has that (Linux 5.19).
static int install_with_listener(struct sock_filter* instructions, size_t size) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return herd_internal_fail(errno, "enter sandbox: set no-new-privs: %s", strerror(errno));
  struct sock_fprog program = {.len = (unsigned short)(size / sizeof *instructions), .filter = instructions};
  const unsigned long flags =
      SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH | SECCOMP_FILTER_FLAG_NEW_LISTENER;
  long fd =
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
  if (fd < 0 && errno == EINVAL) fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  if (fd >= 0) return (int)fd;
  if (errno == ESRCH)
    return herd_internal_fail(ESRCH,
                              "enter sandbox: a thread has a filter of its own, so not all would share one");
  if (errno == EBUSY)
    return herd_internal_fail(EBUSY,
                              "enter sandbox: this process has a filter with a listener already, and there "
                              "can be one");
  return herd_internal_fail(errno, "enter sandbox: install the filter with a listener: %s", strerror(errno));
}

// Nothing but this one call may be made between the filter and herd's having its listener: whatever else the
// filter denies would wait for an answer that nobody can give.
static int send_listener(int socket, int listener) {
  static const char text[] = "FDSTORE=1\nFDNAME=seccomp";
  struct iovec part = {.iov_base = (void*)text, .iov_len = sizeof text - 1};
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
  } control;
  memset(&control, 0, sizeof control);
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
  struct cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(rights), &listener, sizeof listener);
  while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR)
      return herd_internal_fail(errno, "enter sandbox: hand the filter's listener to herd: %s",
                                strerror(errno));
  }
  return 0;
}

static int install_answered(struct sock_filter* instructions, size_t size) {
  const int socket = herd_internal_notify_socket();
  if (socket < 0) return socket;
  const int listener = install_with_listener(instructions, size);
  const int result = listener < 0 ? listener : send_listener(socket, listener);
  if (listener >= 0) close(listener);
  close(socket);
  return result;
}

static int enter(enum policy policy) {
  const int fd = filter_fd();
  if (fd < 0) return fd;
  size_t size = 0;
  int result = check_filter(fd, &size);
  if (result != 0) return result;
  char* bytes = malloc(size);
  if (bytes == NULL) return herd_internal_fail(ENOMEM, "enter sandbox: no memory for the filter");
  result = read_filter(fd, bytes, size);
  bool is_answered = false;
  if (result == 0) result = wants_listener(&is_answered);
  struct sock_filter* instructions = (struct sock_filter*)(void*)bytes;
  if (result == 0)
    result = is_answered ? install_answered(instructions, size) : install(instructions, size, policy);
  free(bytes);
  if (result == 0) close(fd);
  return result;
}

static int decide_and_enter(void) {
  if (entered) {
    state = HERD_SANDBOX_ALREADY_ENTERED;
    return 1;
  }
  enum policy policy = POLICY_NOT_UNDER_HERD;
  int result = read_policy(&policy);
  if (result == 0 && policy == POLICY_NOT_UNDER_HERD) {
    state = HERD_SANDBOX_NOT_UNDER_HERD;
    return 1;
  }
  if (result == 0 && policy == POLICY_OFF) {
    if (getenv("HERD_SECCOMP_FD") == NULL) {
      state = HERD_SANDBOX_OFF;
      return 1;
    }
    // herd passes no filter with `off`: someone between it and us rewrote the word.
    result = herd_internal_fail(EINVAL,
                                "enter sandbox: HERD_SECCOMP_PROFILE is 'off', yet HERD_SECCOMP_FD is set");
  }
  if (result == 0) result = enter(policy);
  entered = result == 0;
  state = entered ? HERD_SANDBOX_ENTERED : HERD_SANDBOX_FAILED;
  return result;
}

int herd_enter_sandbox(void) {
  pthread_mutex_lock(&lock);
  const int result = decide_and_enter();
  pthread_mutex_unlock(&lock);
  return result;
}

enum herd_sandbox herd_sandbox_state(void) {
  pthread_mutex_lock(&lock);
  const enum herd_sandbox now = state;
  pthread_mutex_unlock(&lock);
  return now;
}

const char* herd_sandbox_state_text(void) {
  switch (herd_sandbox_state()) {
    case HERD_SANDBOX_NOT_TRIED:
      return "not_tried";
    case HERD_SANDBOX_ENTERED:
      return "entered";
    case HERD_SANDBOX_OFF:
      return "off";
    case HERD_SANDBOX_NOT_UNDER_HERD:
      return "not_under_herd";
    case HERD_SANDBOX_ALREADY_ENTERED:
      return "already_entered";
    case HERD_SANDBOX_FAILED:
      return "failed";
  }
  return "unknown";
}
