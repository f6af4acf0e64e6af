// Whether a denied call is seen: herdd makes one itself, on a thread that ends with it, and its record is
// looked for.
#pragma once

#include <string>
#include <thread>

#include "daemon/denials/record.hpp"

namespace herd::denials {

/// A filter binds the thread that installs it and no other, so this costs no process.
class SelfTest {
 public:
  SelfTest();
  ~SelfTest();
  SelfTest(const SelfTest&) = delete;
  SelfTest& operator=(const SelfTest&) = delete;

  /// Makes the call. Only from a thread that blocks all signals.
  void start();
  [[nodiscard]] bool is_record_of(const Record& record) const { return record.comm == name_; }
  /// Waits for the thread. A sentence, where it came to no denied call.
  std::string failure();

 private:
  void run();
  std::string name_, failure_;  // a thread's name, of its own kind on this host
  std::thread thread_;
};

/// Why no record came, as far as it can be told.
std::string why_no_record();

}  // namespace herd::denials
