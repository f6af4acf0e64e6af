// A directory of the run's own, with copies of the programs under test: a build tree may lie where a sandbox
// shows nothing of the host (/tmp, /home, /root).
#pragma once

#include <string>

#include "common/error.hpp"

namespace herd::bench {

class Place {
 public:
  /// `programs` is the bin directory of a build.
  static Result<Place> make(const std::string& programs);
  Place(Place&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Place& operator=(Place&&) = delete;
  ~Place();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string herdd() const { return path_ + "/herdd"; }
  [[nodiscard]] std::string executor() const { return path_ + "/herd-exec"; }
  /// Writes one byte to stdout and waits.
  [[nodiscard]] std::string tiny_worker() const { return path_ + "/bench-worker"; }
  [[nodiscard]] std::string echo_worker() const { return path_ + "/echo-worker"; }

 private:
  explicit Place(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace herd::bench
