// Workers that make more denied calls than the audit log should bear are frozen for a second, and again while
// they go on. The reader's thread.
//
// A worker that stayed frozen with nobody left to thaw it would outlive its owner: herd-exec, which ends it
// when herdd is gone, is frozen with it. So before the first is frozen a guard is started, a process that has
// all the freezers' files too and thaws them when herdd's end of its line closes.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "daemon/denials/registry.hpp"

namespace herd::denials {

class HoldBack {
 public:
  /// The guard: its line, and what ends it and waits for that.
  struct Guard {
    UniqueFd line;
    std::function<void()> end;
  };
  using StartGuard = std::function<Result<Guard>()>;

  static constexpr std::chrono::seconds kHold{1};
  static constexpr std::chrono::seconds kGuardStays{10};  // after the last hold

  /// `mutex` guards what stands in a Watched; it is not held while a guard is started.
  HoldBack(std::mutex& mutex, StartGuard start_guard) : mutex_(mutex), start_guard_(std::move(start_guard)) {}
  ~HoldBack() { end(); }
  HoldBack(const HoldBack&) = delete;
  HoldBack& operator=(const HoldBack&) = delete;

  /// False where it needs no hold: it is held, may not be, or has no freezer. An error: it can't be.
  Result<bool> hold(const std::shared_ptr<Watched>& watched, SteadyTime now);
  /// An error: somebody could not be thawed, which is tried again a hold later.
  Status thaw_due(SteadyTime now);
  /// When thaw_due has something to do.
  [[nodiscard]] std::optional<SteadyTime> next() const;
  /// Thaws all.
  void end();

 private:
  Status show_to_guard(const Watched& watched);
  std::mutex& mutex_;
  StartGuard start_guard_;
  std::optional<Guard> guard_;
  std::set<WorkerKey> guarded_;
  std::vector<std::shared_ptr<Watched>> held_;
  SteadyTime guard_ends_{};
};

/// With the mutex held: from now on it runs. An error: it is held as before.
Status thaw(Watched& watched);

}  // namespace herd::denials
