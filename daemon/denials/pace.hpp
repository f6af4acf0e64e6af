// When reports to the loop may go: so far apart in the long run, while after a pause some go at once. Pure.
#pragma once

#include <algorithm>
#include <chrono>

#include "daemon/denials/source.hpp"

namespace herd::denials {

class Pace {
 public:
  static constexpr std::chrono::milliseconds kEvery{100}, kAtOnce{900};

  [[nodiscard]] SteadyTime next() const { return used_up_ - kAtOnce; }
  [[nodiscard]] bool is_due(SteadyTime now) const { return next() <= now; }
  void note(SteadyTime now) { used_up_ = std::max(used_up_, now) + kEvery; }

 private:
  SteadyTime used_up_{};  // to where the reports so far have used up their time
};

}  // namespace herd::denials
