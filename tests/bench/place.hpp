// A directory of the run's own, with copies of the programs under test: a build tree may lie where a sandbox
// shows nothing of the host (/tmp, /home, /root).
#pragma once

#include <string>

#include "common/error.hpp"

namespace herd::bench {

class Place {
 public:
  /// `programs` is the bin directory of a build, `peers` where ./dev bench puts HAProxy and nginx.
  static Result<Place> make(const std::string& programs, std::string peers);
  Place(Place&& other) noexcept : path_(std::exchange(other.path_, {})), peers_(std::move(other.peers_)) {}
  Place& operator=(Place&&) = delete;
  ~Place();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string herdd() const { return path_ + "/herdd"; }
  [[nodiscard]] std::string executor() const { return path_ + "/herd-exec"; }
  [[nodiscard]] std::string herdctl() const { return path_ + "/herdctl"; }
  /// Writes one byte to stdout and waits.
  [[nodiscard]] std::string tiny_worker() const { return path_ + "/bench-worker"; }
  [[nodiscard]] std::string echo_worker() const { return path_ + "/echo-worker"; }
  /// Answers as fast as it can.
  [[nodiscard]] std::string http_worker() const { return path_ + "/bench-http-worker"; }
  [[nodiscard]] const std::string& peers() const { return peers_; }

 private:
  Place(std::string path, std::string peers) : path_(std::move(path)), peers_(std::move(peers)) {}
  std::string path_, peers_;
};

}  // namespace herd::bench
