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
  static Result<NotifySocket> bind_at(const std::string& path);

  [[nodiscard]] int fd() const { return fd_.get(); }

  struct Notice {
    int sender = 0;  // pid, in this process's namespace
    bool ready = false;
    std::string status;
  };
  /// Reads one datagram without waiting; false if there is none.
  bool read(Notice& notice) const;

 private:
  explicit NotifySocket(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace herd::exec
