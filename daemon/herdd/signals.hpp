// SIGTERM, SIGINT and SIGHUP, read by the loop from a signalfd(2). They stay blocked from the first thread to
// the end of the process, so no handler runs anywhere: not in a child that shares this memory, nor after the
// loop has ended.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>

#include "common/error.hpp"

namespace herd::daemon {

/// Blocks them, and takes all others, whatever was blocked when the process was started: a daemon that takes
/// no SIGTERM could not be stopped. Before there is a second thread.
void block_signals_of_the_loop();

class Signals {
 public:
  /// block_signals_of_the_loop() has been called. Throws std::system_error.
  explicit Signals(boost::asio::io_context& io);
  /// `on_signal` gets the number of each, on the loop, until cancel().
  void start(std::function<void(int)> on_signal);
  void cancel();

 private:
  void wait();
  void read_all();

  boost::asio::posix::stream_descriptor descriptor_;
  std::function<void(int)> on_signal_;
};

}  // namespace herd::daemon
