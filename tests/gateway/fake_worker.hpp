// A worker that does what the test says, on a unix socket or a TCP port.
#pragma once

#include <string>

#include "tests/gateway/peer.hpp"

namespace herd::test {

class FakeWorker {
 public:
  /// `path` empty: a TCP port.
  explicit FakeWorker(std::string path);

  /// The next connection that the gateway makes.
  Peer accept();
  bool has_connection(int milliseconds);
  void stop_listening() { listener_.reset(); }
  /// As Granted says it.
  [[nodiscard]] const std::string& address() const { return address_; }
  /// That goes with it: of a unix socket.
  [[nodiscard]] UniqueFd path_fd() const;

 private:
  std::string path_, address_;
  UniqueFd listener_;
};

/// A listening socket on a free port of 127.0.0.1.
UniqueFd listen_tcp(int& port);

}  // namespace herd::test
