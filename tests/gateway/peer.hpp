// One end of a stream connection, as a test speaks over it: each wait has an end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/unique_fd.hpp"

namespace herd::test {

class Peer {
 public:
  Peer() = default;
  explicit Peer(UniqueFd socket);

  void send(std::string_view bytes);
  /// Until the text has come, which is part of what is returned; less where the wait or the connection ended.
  std::string read_until(std::string_view text);
  /// A head with its empty line.
  std::string read_head() { return read_until("\r\n\r\n"); }
  std::string read_exactly(std::size_t count);
  /// A head, and the body that its Content-Length says.
  std::string read_message();
  /// Everything, until the other side ends; "(waits)" behind it where it doesn't.
  std::string read_to_end();
  /// The other side ends, or ended, the connection, and sent nothing more.
  bool is_ended();
  /// Something, or the end, comes within the time.
  bool has_news(int milliseconds = 0);
  /// So many bytes that are all the same; false where there are less.
  bool read_body_of(char byte, std::uint64_t count);
  /// As many as the other side takes now.
  std::uint64_t fill(char byte, std::uint64_t most);
  void end_sending();
  /// The other side gets a reset, where it is TCP.
  void reset();
  void close() { socket_.reset(); }
  [[nodiscard]] int fd() const { return socket_.get(); }
  explicit operator bool() const { return static_cast<bool>(socket_); }

 private:
  bool more();
  UniqueFd socket_;
  std::string came_;
};

Peer connect_tcp(int port);

}  // namespace herd::test
