// Drains a worker's stdout and stderr as long as it lives, so that it never blocks on them; keeps the last
// lines.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "common/log_line.hpp"
#include "common/unique_fd.hpp"
#include "daemon/worker/output.hpp"

namespace herd::worker {

inline constexpr std::size_t kMaxKeptLines = 2000;
inline constexpr std::size_t kMaxKeptBytes = 256 * 1024;
/// Of one worker, into the daemon's own log; what is beyond it is counted and said. The ring gets all.
inline constexpr int kForwardedLinesPerSecond = 200;

class OutputReader {
 public:
  OutputReader(boost::asio::io_context& io, std::string pool, std::string worker);

  /// Begins to read; `keep_alive` holds the owner until both ends are closed.
  void start(UniqueFd stdout_pipe, UniqueFd stderr_pipe, std::shared_ptr<void> keep_alive);
  /// Reads what is there and closes, whoever else may hold the other end.
  void finish();

  void set_session(std::string session) { session_ = std::move(session); }
  [[nodiscard]] std::shared_ptr<LogRing> lines() const { return ring_; }

 private:
  struct Stream {
    boost::asio::posix::stream_descriptor pipe;
    boost::asio::steady_timer pause;
    LineSplitter splitter;
    std::chrono::steady_clock::time_point last_read = {};
    UniqueFd parked =
        {};  // the pipe in a pause: in the loop's epoll each line of a flood would wake the loop

    [[nodiscard]] bool is_open() const { return parked || pipe.is_open(); }
    [[nodiscard]] int fd() { return parked ? parked.get() : pipe.native_handle(); }
  };
  static boost::asio::awaitable<void> drain(OutputReader& self, Stream& stream,
                                            std::shared_ptr<void> keep_alive);
  enum class Read { nothing_more_now, more, end };
  /// One read; `lines` is what it made.
  Read read_some(Stream& stream, std::size_t& lines);
  void keep(bool is_stderr, std::string text, bool cut);
  void forward(const LogLine& line);
  void say_what_was_not_forwarded();

  std::string pool_, worker_, session_;
  std::shared_ptr<LogRing> ring_;
  std::array<Stream, 2> streams_;
  std::int64_t forward_second_ = 0;
  int forwarded_ = 0, not_forwarded_ = 0;
};

}  // namespace herd::worker
