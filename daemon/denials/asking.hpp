// A worker whose filter asks: its listener, and what the filter that it stands for would have said.
#pragma once

#include <memory>
#include <optional>

#include "common/seccomp/evaluator.hpp"
#include "common/seccomp/listener.hpp"
#include "daemon/denials/budget.hpp"
#include "daemon/denials/tally.hpp"

namespace herd::denials {

class Asking {
 public:
  static Result<std::shared_ptr<Asking>> make(WorkerKey key, UniqueFd listener,
                                              std::shared_ptr<const seccomp::Program> filter, SteadyTime now);

  [[nodiscard]] WorkerKey key() const { return key_; }
  [[nodiscard]] int fd() const { return listener_.fd(); }

  // The answering thread's:
  Budget::Bucket bucket;
  /// Answers one call that waits, once fd() is readable. Nothing: whoever made it is gone. An error: its
  /// process should have been ended and was not; it waits on.
  Result<std::optional<Record>> answer_one();
  /// answer_one() found no call, and waited until a signal came: somebody else has the listener, too, and
  /// takes calls from it.
  [[nodiscard]] bool shares_listener() const { return shares_listener_; }

  // Guarded by the answerer's mutex:
  std::optional<SteadyTime> held_until;
  SteadyTime last_held{};
  bool may_be_held = true;

 private:
  Asking(WorkerKey key, seccomp::Listener listener, std::shared_ptr<const seccomp::Program> filter,
         const seccomp::Evaluator& evaluator, SteadyTime now);
  Status answer(const seccomp_notif& call, std::uint32_t meant, Record& record);
  Status end_process(const seccomp_notif& call, Record& record);

  WorkerKey key_;
  seccomp::Listener listener_;
  std::shared_ptr<const seccomp::Program> filter_;  // the evaluator borrows it
  seccomp::Evaluator evaluator_;
  bool shares_listener_ = false;
};

}  // namespace herd::denials
