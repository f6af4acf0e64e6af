// The thread that reads the audit log: counts what it says of workers, holds back those that say too much,
// and hands the counts on a few times a second at most, whatever comes.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "daemon/denials/audit_socket.hpp"
#include "daemon/denials/hold_back.hpp"
#include "daemon/denials/pace.hpp"
#include "daemon/denials/registry.hpp"
#include "daemon/denials/self_test.hpp"
#include "daemon/denials/tally.hpp"

namespace herd::denials {

/// What the loop and the reader both use; each holds the mutex for moments only.
struct Shared {
  explicit Shared(Registry::CgroupOf cgroup_of) : registry(std::move(cgroup_of)) {}
  std::mutex mutex;
  Registry registry;
  Visibility visibility;
};

class Reader {
 public:
  struct Report {
    std::map<WorkerKey, News> news;
    std::vector<WorkerKey> forgotten;  // nothing comes of these any more
    std::uint64_t settled = 0;         // the latest settle() that this answers
    bool visibility_changed = false;
    std::string trouble;  // with holding somebody, or letting go; the first; a sentence
  };
  /// Called on the reader's thread; the next one comes after taken().
  using Deliver = std::function<void(Report)>;

  static constexpr std::chrono::seconds kTestPatience{5};

  /// Throws std::system_error, as std::thread does.
  Reader(Shared& shared, AuditSocket socket, HoldBack::StartGuard start_guard, Deliver deliver);
  /// Ends promptly; nobody is frozen after it.
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Any thread: the last report has been dealt with.
  void taken();
  /// Any thread: a report that has all that has come up to now is wanted at once. Its number, from 1 on.
  std::uint64_t settle();

 private:
  void run();
  void wait();
  bool read_some(SteadyTime now);
  void read_settling(SteadyTime now);
  void on_record(std::string_view text, SteadyTime now);
  void hold(const std::shared_ptr<Watched>& watched, SteadyTime now);
  void tell_trouble(std::string sentence);
  void note_lost();
  void finish_test(SteadyTime now);
  void set_seen(bool seen, const std::string& why_not);
  void deliver_due(SteadyTime now);
  [[nodiscard]] SteadyTime next_deadline(SteadyTime now) const;
  [[nodiscard]] bool has_report() const;

  Shared& shared_;
  AuditSocket socket_;
  Deliver deliver_;
  UniqueFd wake_;  // eventfd
  std::atomic<bool> is_stopping_ = false, is_in_flight_ = false;
  std::atomic<std::uint64_t> settle_wanted_ = 0;
  // The thread's own from here on.
  HoldBack hold_back_;
  Budget budget_;
  Tally tally_;
  SelfTest test_;
  std::optional<SteadyTime> test_ends_;
  Pace pace_;
  SteadyTime last_cleaning_{};
  Report report_;
  std::uint64_t settled_ = 0;
  bool told_trouble_ = false, has_overflowed_ = false;
  std::thread thread_;
};

}  // namespace herd::denials
