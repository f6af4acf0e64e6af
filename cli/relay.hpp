// Copies between the caller's files and a command's, until the command has ended.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace herd::cli {

class Relay {
 public:
  /// From the caller to the command: `to` is made non-blocking, so that a command which does not read never
  /// holds up what else there is to do; it is closed at the end of `from`.
  void add_input(int from, UniqueFd to);
  /// From the command to the caller; `from` may hang up and come back, as a terminal does.
  void add_output(UniqueFd from, int to);

  /// Until `done` is readable, and then what the command still had written. `signals` readable: calls
  /// `on_signal`, which ends it by returning false.
  Status run(int done, int signals, const std::function<bool()>& on_signal);

 private:
  struct Channel {
    int from = -1, to = -1;
    UniqueFd owned;  // the command's end
    bool is_input = false, is_open = true, rests = false;
    std::string pending;  // read, not yet written
  };
  static void read_some(Channel& channel);
  static void write_some(Channel& channel);
  std::vector<Channel> channels_;
};

}  // namespace herd::cli
