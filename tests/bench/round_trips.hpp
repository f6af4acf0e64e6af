// A keep-alive connection and the one request that it repeats.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/http.hpp"

namespace herd::bench {

struct Caller {
  Client client;
  std::string request;

  /// Microseconds of each are added to `took`, where that is not null. An answer other than 200 is an error.
  Status round_trips(int count, std::vector<double>* took);
};

}  // namespace herd::bench
