// Performs what one pool decides: starts and stops workers, answers acquires, keeps the timer, tells of
// events.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "daemon/control/service.hpp"
#include "daemon/denials/history.hpp"
#include "daemon/herdd/views.hpp"
#include "daemon/pool/pool.hpp"
#include "daemon/worker/worker.hpp"

namespace herd::daemon {

using AcquireDone = std::function<void(control::ApiResult<control::AcquireResult>)>;

/// A worker that is gone, as it is remembered for a while.
struct GoneWorker {
  std::string id;
  Json record;
  std::shared_ptr<LogRing> lines;
  denials::History denials;
};
inline constexpr std::size_t kRememberedWorkers = 64;  // of each pool
inline constexpr std::size_t kBytesOfAnEvent = 512;  // as counted against the ring's bound, beside its texts

/// Only grow.
struct DenialCounters {
  std::uint64_t calls = 0;  // denied
  std::uint64_t holds = 0;  // workers held back, as they made too many
};

/// Who else wants to know, or has a say; each may be empty.
struct PoolHooks {
  std::function<void()> finished;  // once after stop(), when nothing of the pool is left
  std::function<void(worker::Worker&)> before_start;
  std::function<void(const pool::Emit&)> session_ended;
};

class PoolDriver {
 public:
  PoolDriver(worker::Resources& resources, control::EventRing& events, pool::IdSource& ids,
             config::PoolSpec spec, PoolHooks hooks);

  void start() { feed(pool::TimerFired{}); }
  void stop() { feed(pool::Shutdown{}); }
  void feed(pool::Event event);
  void configure(config::PoolSpec spec, bool recycle);

  void acquire(std::uint64_t request, const control::AcquireCall& call, AcquireDone done);
  void cancel_acquire(std::uint64_t request);
  void lease_closed(std::uint64_t request, Duration rested = {}) { feed(pool::LeaseClosed{request, rested}); }
  bool release(const std::string& session);

  [[nodiscard]] const pool::Pool& pool() const { return pool_; }
  [[nodiscard]] const std::string& name() const { return pool_.spec().name; }
  [[nodiscard]] Json worker_record(const pool::WorkerView& view) const;
  [[nodiscard]] Json session_record(const pool::SessionView& view) const;
  /// Living or remembered; null if unknown.
  [[nodiscard]] Json find_worker(const std::string& id) const;
  [[nodiscard]] std::shared_ptr<LogRing> lines_of(const std::string& id) const;
  [[nodiscard]] std::size_t worker_count() const { return workers_.size(); }
  [[nodiscard]] const DenialCounters& denial_counters() const { return denial_counters_; }

 private:
  void perform(const pool::Action& action);
  void start_worker(const pool::StartWorker& action);
  void on_gone(const std::string& id, const Reason& reason);
  void answer(const pool::AnswerAcquire& action);
  void emit(const pool::Emit& action);
  void set_timer(pool::Time at);
  void on_denied(const std::string& id, const denials::News& news);
  void tell(const std::string& id, const std::vector<denials::History::Told>& told);
  void tell_held_back(const std::string& id, std::uint64_t holds);
  void set_denials_timer();
  void tell_due_denials();
  denials::History* history_of(const std::string& id);
  [[nodiscard]] const worker::Worker* acting(const std::string& id) const;

  worker::Resources& resources_;
  control::EventRing& events_;
  pool::Pool pool_;
  std::shared_ptr<const config::PoolSpec> spec_;  // workers hold the one that they were started with
  PoolHooks hooks_;
  std::map<std::string, std::shared_ptr<worker::Worker>> workers_;
  std::map<std::string, denials::History> denials_;  // of the workers that there are
  DenialCounters denial_counters_;
  std::map<std::uint64_t, AcquireDone> waiting_;
  std::deque<GoneWorker> remembered_;
  std::deque<pool::Event> inbox_;
  bool is_stepping_ = false, release_found_ = false;
  boost::asio::steady_timer timer_, denials_timer_;
  std::shared_ptr<PoolDriver*> self_ = std::make_shared<PoolDriver*>(this);  // for what may come after it
};

}  // namespace herd::daemon
