// The thread that answers the calls for which workers' filters ask, and counts them. A worker that makes too
// many gets its answers late: who waits for one does nothing, so nobody has to be frozen.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "daemon/denials/asking.hpp"
#include "daemon/denials/interrupter.hpp"
#include "daemon/denials/pace.hpp"

namespace herd::denials {

class Answerer {
 public:
  struct Report {
    std::map<WorkerKey, News> news;
    std::uint64_t settled = 0;  // the latest settle() that this answers
    std::string trouble;        // the first; a sentence
  };
  /// Called on the answering thread; the next one comes after taken().
  using Deliver = std::function<void(Report)>;
  static constexpr std::chrono::seconds kHold{1};

  /// Throws std::system_error, as std::thread does.
  explicit Answerer(Deliver deliver);
  /// Ends promptly. Calls that are asked for from then on get ENOSYS.
  ~Answerer();
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;

  // Any thread:
  Status add(std::shared_ptr<Asking> asking);
  void remove(WorkerKey key);
  /// It gets its answers now, and may be held again.
  void let_run(WorkerKey key);
  /// It is not held again.
  void let_go(WorkerKey key);
  [[nodiscard]] bool was_held_since(WorkerKey key, SteadyTime time) const;
  /// The last report has been dealt with.
  void taken();
  /// A report that has all that has come up to now is wanted at once. Its number, from 1 on.
  std::uint64_t settle();

 private:
  void run(std::promise<void> begun);
  bool answer_some(int wait_milliseconds);
  void answer_settling();
  void on_event(WorkerKey key, std::uint32_t events);
  void drop(const Asking& asking);
  void hold(Asking& asking, SteadyTime now);
  void let_run_due(SteadyTime now);
  void deliver_due(SteadyTime now);
  [[nodiscard]] bool has_report() const;
  [[nodiscard]] int wait_milliseconds() const;
  // With the mutex held:
  Status listen_to(const Asking& asking) const;
  void stop_listening_to(const Asking& asking) const;
  void let_run(Asking& asking) const;

  Deliver deliver_;
  UniqueFd wake_;   // eventfd
  UniqueFd epoll_;  // of the workers that are not held, by their keys
  std::atomic<bool> is_stopping_ = false, is_in_flight_ = false;
  std::atomic<std::uint64_t> settle_wanted_ = 0;
  mutable std::mutex mutex_;
  std::map<WorkerKey, std::shared_ptr<Asking>> asking_;
  // The thread's own from here on.
  Budget budget_;
  Tally tally_;
  Pace pace_;
  Report report_;
  std::optional<Interrupter> interrupter_;
  std::uint64_t settled_ = 0;
  bool told_trouble_ = false;
  std::thread thread_;
};

}  // namespace herd::denials
