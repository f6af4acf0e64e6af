// What a worker wrote, line by line: kept by its reader (daemon/worker), streamed by the control socket.
#pragma once

#include <cstdint>
#include <string>

#include "common/ring.hpp"

namespace herd {

struct LogLine {
  std::int64_t time_us = 0;  // wall clock, microseconds since the epoch
  bool is_stderr = false;
  std::string session;  // empty where none was bound
  std::string text;     // bytes as the worker wrote them, without the newline
  bool cut = false;     // the line was longer than the bound
};

using LogRing = Ring<LogLine>;

}  // namespace herd
