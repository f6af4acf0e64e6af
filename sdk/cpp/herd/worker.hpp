// The C interface (herd/worker.h) for C++: an enum for what happened, an exception for what failed.
//
//   herd::enter_sandbox();
//   herd::notify_ready();
#pragma once

#include <herd/worker.h>

#include <cerrno>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace herd {

/// what() is a sentence, code() the errno behind it.
class WorkerError : public std::runtime_error {
 public:
  WorkerError(const std::string& message, int code) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] int code() const { return code_; }

 private:
  int code_;
};

/// The sandbox could not be entered. Let it end the worker: herd would not serve it anyway.
class SandboxError : public WorkerError {
 public:
  using WorkerError::WorkerError;
};

enum class Sandbox { entered, off, not_under_herd, already_entered };

[[nodiscard]] constexpr std::string_view name(Sandbox sandbox) {
  switch (sandbox) {
    case Sandbox::entered:
      return "entered";
    case Sandbox::off:
      return "off";
    case Sandbox::not_under_herd:
      return "not_under_herd";
    case Sandbox::already_entered:
      return "already_entered";
  }
  return "unknown";
}

/// Installs the pool's filter in every thread, for good; see herd_enter_sandbox().
inline Sandbox enter_sandbox() {
  const int result = herd_enter_sandbox();
  if (result < 0) throw SandboxError(herd_last_error(), -result);
  if (result == 0) return Sandbox::entered;
  switch (herd_sandbox_state()) {
    case HERD_SANDBOX_OFF:
      return Sandbox::off;
    case HERD_SANDBOX_NOT_UNDER_HERD:
      return Sandbox::not_under_herd;
    default:
      return Sandbox::already_entered;
  }
}

namespace detail {
inline bool sent(int result) {
  if (result < 0) throw WorkerError(herd_last_error(), -result);
  return result == 0;
}
}  // namespace detail

/// The notifications are false where there is no NOTIFY_SOCKET.
inline bool notify_ready() {
  return detail::sent(herd_notify_ready());
}
inline bool notify_status(const std::string& text) {
  return detail::sent(herd_notify_status(text.c_str()));
}
inline bool notify_stopping() {
  return detail::sent(herd_notify_stopping());
}

/// The passed listener, empty where none was passed. The caller owns the fd.
inline std::optional<int> listen_fd() {
  const int fd = herd_listen_fd();
  if (fd == -ENOENT) return std::nullopt;
  if (fd < 0) throw WorkerError(herd_last_error(), -fd);
  return fd;
}

}  // namespace herd
