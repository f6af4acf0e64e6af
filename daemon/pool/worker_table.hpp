// The pool's workers, counted by state and with the idle ones in the order in which they are handed out.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "daemon/pool/pool.hpp"

namespace herd::pool {

struct Worker {
  WorkerId id;
  std::uint64_t number = 0;  // in the order of start, within this pool
  Generation generation = 0;
  Time started{};
  Time ready{};         // when it was verified
  SessionName session;  // empty: none
  int sessions_served = 0;
  bool verified = false;
  bool single_use = false;  // it got a session under reuse: false, so it never gets a second one
  Bytes memory;             // as last reported

  [[nodiscard]] WorkerState state() const { return state_; }
  [[nodiscard]] bool outdated() const { return outdated_; }

 private:
  friend class WorkerTable;
  WorkerState state_ = WorkerState::starting;
  bool outdated_ = false;
};

class WorkerTable {
 public:
  /// Idle workers by the time since when they are ready: the front proved itself longest.
  using Idle = std::map<std::pair<Time, std::uint64_t>, Worker*>;

  /// It begins as `starting`. References stay valid until erase().
  Worker& add(WorkerId id, Generation generation, Time now);
  void erase(Worker& worker);
  void move(Worker& worker, WorkerState state);
  /// An outdated worker is to be replaced; while it is idle it is handed out last.
  void set_outdated(Worker& worker, bool outdated);

  [[nodiscard]] Worker* find(const WorkerId& id);
  [[nodiscard]] const Worker* find(const WorkerId& id) const;
  [[nodiscard]] int count(WorkerState state) const { return counts_[static_cast<std::size_t>(state)]; }
  [[nodiscard]] int size() const { return static_cast<int>(all_.size()); }
  [[nodiscard]] bool empty() const { return all_.empty(); }
  [[nodiscard]] Idle& fresh() { return fresh_; }
  [[nodiscard]] Idle& outdated() { return outdated_; }
  [[nodiscard]] const Idle& fresh() const { return fresh_; }
  [[nodiscard]] const Idle& outdated() const { return outdated_; }
  /// In the order of start.
  [[nodiscard]] std::map<std::uint64_t, Worker>& all() { return all_; }
  [[nodiscard]] const std::map<std::uint64_t, Worker>& all() const { return all_; }

 private:
  void index(Worker& worker);
  void unindex(const Worker& worker);

  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, Worker> all_;
  std::unordered_map<WorkerId, Worker*> by_id_;
  Idle fresh_, outdated_;
  std::array<int, 5> counts_{};
};

}  // namespace herd::pool
