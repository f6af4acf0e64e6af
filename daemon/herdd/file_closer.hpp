// Closes files that a client handed over, on a thread of their own: close(2) waits for the peer of a
// lingering socket (SO_LINGER) and for a file's server (FUSE, NFS), which may be for as long as the client
// likes.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "common/unique_fd.hpp"

namespace herd::daemon {

class FileCloser {
 public:
  /// Any thread. Nobody waits for it, the daemon's end neither.
  void close(std::vector<UniqueFd> files) const;
  /// A socket that nobody reads any more. What is left in it goes first: closed over it, its other end would
  /// be told of a reset instead of our last words.
  void close_socket(UniqueFd socket) const;
  /// How many are at it.
  [[nodiscard]] std::size_t threads() const { return *threads_; }

 private:
  template <typename Work>
  void start(Work work) const;
  std::shared_ptr<std::atomic<std::size_t>> threads_ = std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace herd::daemon
