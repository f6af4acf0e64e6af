// A thread whose filter asks about one call, which it makes.
#pragma once

#include <linux/seccomp.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <thread>

#include "common/seccomp/compiler.hpp"
#include "common/unique_fd.hpp"

namespace herd::test {

/// A filter that answers every call so.
std::shared_ptr<const seccomp::Program> filter_of(std::uint32_t answer);

class Asker {
 public:
  /// Makes that many calls, each of which waits for its answer. Throws std::system_error where there can be
  /// no such filter.
  explicit Asker(long calls);
  /// Waits for the thread: whoever has its listener has to answer, or be gone.
  ~Asker();
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  /// A new one for the same listener.
  [[nodiscard]] UniqueFd listener() const;
  void call_no_more() { is_over_ = true; }
  /// What its calls came to, once all are answered: errnos, 0 for one that was made.
  std::set<int> results();

  static const long kCall;  // the number of the call

 private:
  void run(long calls);
  std::atomic<bool> is_over_ = false;
  UniqueFd listener_;
  std::set<int> results_;
  std::thread thread_;
};

/// False where somebody listens to this process already, or the kernel has no such
/// filters.
bool can_ask();

}  // namespace herd::test
