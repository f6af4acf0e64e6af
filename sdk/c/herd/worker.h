// What a worker tells herd, and how it closes the sandbox behind itself. C11, nothing beyond libc.
//
//   int listener = herd_listen_fd();         // take the listener, open files, start threads
//   if (herd_enter_sandbox() < 0) die(herd_last_error());
//   herd_notify_ready();                     // from here on requests come
//
// Every call returns a negative errno on failure; herd_last_error() then says in a sentence what went wrong.
// All calls may be made from any thread.
#ifndef HERD_WORKER_H
#define HERD_WORKER_H

#if defined(__GNUC__)
#define HERD_API __attribute__((visibility("default")))
#else
#define HERD_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum herd_sandbox {
  HERD_SANDBOX_NOT_TRIED = 0,
  HERD_SANDBOX_ENTERED,
  HERD_SANDBOX_OFF,             // the pool's policy is `off`
  HERD_SANDBOX_NOT_UNDER_HERD,  // nothing in the environment comes from herd: started by hand
  HERD_SANDBOX_ALREADY_ENTERED,
  HERD_SANDBOX_FAILED
};

// Installs the pool's seccomp filter in every thread of the process, for good. Call it once start-up is done
// and before herd_notify_ready(): herd checks with the kernel and serves no worker that skipped it.
//
// 0: entered. 1: nothing to do, herd_sandbox_state() says why.
// Negative: not entered; the worker should exit.
HERD_API int herd_enter_sandbox(void);

// The outcome of the last herd_enter_sandbox().
HERD_API enum herd_sandbox herd_sandbox_state(void);
HERD_API const char* herd_sandbox_state_text(void);

// Messages to herd on NOTIFY_SOCKET, as systemd defines them. 0: sent. 1: there is no such socket.
HERD_API int herd_notify_ready(void);
HERD_API int herd_notify_status(const char* text);  // one line of at most 1024 bytes
HERD_API int herd_notify_stopping(void);

// The listening socket that herd passed (systemd's LISTEN_FDS), close-on-exec from now on.
// The fd, or -ENOENT where none was passed to this process.
HERD_API int herd_listen_fd(void);

// The sentence of this thread's last failed call; "" where none failed.
HERD_API const char* herd_last_error(void);

#ifdef __cplusplus
}
#endif

#endif
