// herdctl, called in this process, against a control server with a fake daemon behind it.
#pragma once

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "cli/app.hpp"
#include "tests/unit/control/harness.hpp"

namespace herd::cli {

using control::FakeService;
using control::Harness;

struct Ran {
  int code = 0;
  std::string out, err;
};

class Herdctl : public testing::Test {
 protected:
  Ran run(std::vector<std::string> arguments, Terminal terminal = {}) {
    arguments.insert(arguments.begin(), {"--socket", harness.path});
    return run_plain(std::move(arguments), terminal);
  }
  static Ran run_plain(std::vector<std::string> arguments, Terminal terminal = {}) {
    std::ostringstream out, err;
    const int code = cli::run(std::move(arguments), out, err, terminal);
    return {code, out.str(), err.str()};
  }
  template <typename F>
  void with_service(F work) {
    harness.on_loop([&] { work(harness.service); });
  }
  void wait_for_stream() {
    EXPECT_TRUE(harness.eventually([&] { return harness.service.events_asked > 0; }));
  }
  Harness harness;
};

}  // namespace herd::cli
