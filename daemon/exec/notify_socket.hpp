// The worker's NOTIFY_SOCKET (sd_notify(3)): herd-exec holds it, so it exists as long as the worker does and
// outlives the daemon. Only the worker itself is believed: the kernel tells who sent a datagram.
#pragma once

#include <functional>
#include <string>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::exec {

class NotifySocket {
 public:
  /// `takes_listener`: what else comes with fds is refused, or closed unseen.
  static Result<NotifySocket> bind_at(const std::string& path, bool takes_listener);

  [[nodiscard]] int fd() const { return fd_.get(); }

  struct Notice {
    int sender = 0;  // pid, in this process's namespace
    bool ready = false;
    std::string status;
    UniqueFd listener;  // of its filter, as it says (FDSTORE=1, FDNAME=seccomp)
  };
  /// Reads one datagram without waiting; false if there is none.
  bool read(Notice& notice) const;
  void take_no_more_listeners();

 private:
  NotifySocket(UniqueFd fd, bool takes_listener) : fd_(std::move(fd)), takes_listener_(takes_listener) {}
  UniqueFd fd_;
  bool takes_listener_;
};

}  // namespace herd::exec
