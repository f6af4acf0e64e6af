// The real herdctl, for a daemon of the test's.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::test {

struct Ran {
  int code = 0;  // 128 + the signal that ended it, as a shell has it
  std::string out, err;
};

class Herdctl {
 public:
  explicit Herdctl(std::string socket, std::string program = HERD_TEST_HERDCTL)
      : socket_(std::move(socket)), program_(std::move(program)) {}

  /// Its stdin is /dev/null, its output goes to files, until `before_exec` gives it others.
  [[nodiscard]] Process start(const std::vector<std::string>& arguments,
                              std::function<void()> before_exec = {}) const;
  /// Waits for its end.
  [[nodiscard]] Ran run(const std::vector<std::string>& arguments,
                        std::function<void()> before_exec = {}) const;
  /// Of one that was started.
  [[nodiscard]] Ran end_of(Process& process) const;

 private:
  std::string socket_, program_;
  TemporaryDirectory files_;
};

}  // namespace herd::test
