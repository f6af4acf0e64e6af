// The host's kernel.core_pattern while a test lasts: a program that tells the pid of each process that
// crashed.
#pragma once

#include <sys/types.h>

#include <set>
#include <string>

#include "common/unique_fd.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::test {

class CoreHandler {
 public:
  /// Waits for other tests that have it. The pattern is as it was once this is gone, or its process was
  /// killed.
  CoreHandler();
  ~CoreHandler();
  CoreHandler(const CoreHandler&) = delete;
  CoreHandler& operator=(const CoreHandler&) = delete;

  /// False where the pattern can't be set.
  [[nodiscard]] bool is_set() const { return is_set_; }
  /// Has a child crash, whose core limit is 0, and waits until the handler has told of it. All that it has
  /// told of by then; empty where it tells of none.
  std::set<pid_t> crashed_up_to_a_child();

 private:
  void start_keeper(const std::string& before);

  TemporaryDirectory directory_;
  UniqueFd lock_, told_;
  UniqueFd alive_;  // the keeper waits for its end
  pid_t keeper_ = -1;
  bool is_set_ = false;
};

}  // namespace herd::test
