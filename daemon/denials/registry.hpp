// Which worker a record is of: by its uid where the worker has one of its own, and else by its process, which
// has to be in the worker's cgroup. What can't be told is nobody's. Not thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemon/denials/budget.hpp"
#include "daemon/denials/source.hpp"
#include "daemon/denials/tally.hpp"

namespace herd::denials {

struct Watched {
  WorkerKey key = 0;
  Subject subject;
  WallTime since{};                 // by the coarse clock, as records are
  std::optional<SteadyTime> ended;  // records may be on their way still
  std::string cgroup;               // empty: not there yet
  kernel::Freezer freezer;
  Budget::Bucket bucket;
  std::optional<SteadyTime> held_until;
  SteadyTime last_held{};
  bool may_be_held = true;
};

/// After a worker's end its records still come for a moment.
inline constexpr std::chrono::seconds kLinger{5};

class Registry {
 public:
  /// The text of /proc/PID/cgroup; empty where there is no such process.
  using CgroupOf = std::function<std::string(pid_t)>;
  explicit Registry(CgroupOf cgroup_of) : cgroup_of_(std::move(cgroup_of)) {}

  void add(const std::shared_ptr<Watched>& watched);
  /// Null: of none of them.
  [[nodiscard]] std::shared_ptr<Watched> find(const Record& record) const;
  /// Forgets those that ended long enough ago, and says who that was.
  std::vector<WorkerKey> forget_old(SteadyTime now);
  /// Whether forget_old() will have something to do.
  [[nodiscard]] bool has_ended() const;

 private:
  CgroupOf cgroup_of_;
  std::multimap<std::uint32_t, std::shared_ptr<Watched>> by_uid_;
};

}  // namespace herd::denials
