// Records of denied calls, counted by worker and kind until they are handed on. Bounded, whatever the workers
// do. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "daemon/denials/source.hpp"

namespace herd::denials {

using WorkerKey = std::uint64_t;
inline constexpr std::size_t kMaxKinds = 32;  // of a worker; calls of more are only counted
inline constexpr std::size_t kMaxKills = 16;  // the latest of a worker
inline constexpr std::size_t kMaxExe = 512;   // bytes of a program's path that tell a kind from another

class Tally {
 public:
  void add(WorkerKey worker, const Record& record);
  void add_hold(WorkerKey worker) { ++pending_[worker].holds; }
  void add_shared_listener(WorkerKey worker) { pending_[worker].shares_listener = true; }
  [[nodiscard]] bool empty() const { return pending_.empty(); }
  /// All of it, and begins anew.
  [[nodiscard]] std::map<WorkerKey, News> take();

 private:
  struct Pending {
    std::map<Kind, Denied> denied;
    std::uint64_t others = 0, holds = 0;
    std::vector<Kill> kills;
    bool shares_listener = false;
  };
  std::map<WorkerKey, Pending> pending_;
};

}  // namespace herd::denials
