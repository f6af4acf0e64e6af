// The machine behind Pool. One step: what fell due before the event, the event, then what follows from both:
// sessions get workers, workers are started and stopped until the pool is as its numbers say, the timer is
// set.
//
// The members are grouped by the file that holds them.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/pool/backoff.hpp"
#include "daemon/pool/pool.hpp"
#include "daemon/pool/queue.hpp"
#include "daemon/pool/session_table.hpp"
#include "daemon/pool/shrink.hpp"
#include "daemon/pool/worker_table.hpp"

namespace herd::pool {

class Pool::Machine {
 public:
  Machine(config::PoolSpec spec, IdSource& ids);
  std::vector<Action> step(const Event& event, Time now);

  // view.cpp
  [[nodiscard]] View view() const;
  [[nodiscard]] std::vector<WorkerView> workers() const;
  [[nodiscard]] std::vector<SessionView> sessions() const;
  [[nodiscard]] std::optional<WorkerView> worker(const WorkerId& id) const;
  [[nodiscard]] std::optional<SessionView> session(const SessionName& name) const;
  [[nodiscard]] const config::PoolSpec& spec() const { return spec_; }
  [[nodiscard]] bool finished() const { return state_ == PoolState::stopped && workers_.empty(); }

 private:
  // machine.cpp
  void emit(std::string type, std::string message = {});
  void emit_worker(std::string type, const Worker& worker, std::optional<Reason> reason = std::nullopt);

  // acquires.cpp: requests until they are answered
  void on(const Acquire& event);
  void on(const CancelAcquire& event);
  void acquire_new(const Acquire& event, config::Lease lease);
  void grant(RequestId request, const Session& session, bool created);
  void deny(RequestId request, AcquireError error, std::string message,
            Duration retry_after = Duration::zero());
  void deny_queue(AcquireError error, const std::string& message);
  void expire_requests();
  [[nodiscard]] std::optional<AcquireError> refusal() const;
  [[nodiscard]] std::string refusal_message() const;
  [[nodiscard]] Duration retry_after() const;

  // sessions.cpp: a session from the moment it has a worker
  void on(const Release& event);
  void on(const LeaseClosed& event);
  void on(const Hold& event);
  void bind(Worker& worker, const Waiting& waiting);
  void serve_queue();
  void end_session(const SessionName& name, const Reason& reason);
  void finish_session(Session& session, const Reason& reason);
  void expire_sessions();
  void use(Session& session, std::optional<RequestId> holder);
  void plan_end(Session& session);
  [[nodiscard]] std::optional<Time> idle_end(const Session& session) const;
  [[nodiscard]] std::optional<Time> lifetime_end(const Session& session) const;

  // workers.cpp: what workers do
  void on(const WorkerBecameReady& event);
  void on(const WorkerVerified& event);
  void on(const WorkerIsUnhealthy& event);
  void on(const WorkerMemory& event);
  void on(const WorkerGone& event);
  void on(const StopWorkerRequest& event);
  void start_worker();
  void stop_worker(Worker& worker, const Reason& reason);
  void return_to_idle(Worker& worker);
  void failed(const Worker& worker, const Reason& reason, FailureWeight weight);
  void refresh(Worker& worker);
  [[nodiscard]] bool is_of_old_definition(const Worker& worker) const;
  [[nodiscard]] bool is_worn_out(const Worker& worker) const;
  [[nodiscard]] bool may_serve_again(const Worker& worker) const;

  // scaling.cpp: how many workers there are
  void reconcile();
  void trim_to_max();
  void scale();
  void stop_unbound(const Reason& reason);
  void stop_some(WorkerTable::Idle& idle, int count, const Reason& reason);
  void stop_starting(int count, const Reason& reason);
  void settle();
  void fail_if_exhausted();
  [[nodiscard]] bool may_start() const;
  [[nodiscard]] bool is_served_by_old_definition() const;
  [[nodiscard]] int target() const;
  [[nodiscard]] int starting() const;
  [[nodiscard]] int live() const;  // all but the stopping ones

  // configure.cpp: what operators and reloads do
  void on(const Scale& event);
  void on(const Drain& event);
  void on(const Resume& event);
  void on(const Restart& event);
  void on(const Shutdown& event);
  void on(const Configure& event);
  void set_limits(int min, int max, int spare);
  void require_new_generation();
  void try_again();

  // deadlines.cpp: the one timer
  void on(const TimerFired& event);
  void run_due();
  void set_timer();
  [[nodiscard]] std::optional<Time> next_age() const;
  [[nodiscard]] std::optional<Time> next_stable() const;

  config::PoolSpec spec_;
  IdSource& ids_;
  PoolState state_ = PoolState::running;
  int min_ = 0, max_ = 0, spare_ = 0;
  int wanted_min_ = 0;  // min_ before max cut it
  Generation generation_ = 1;
  Generation required_generation_ = 1;  // workers of an older one are replaced

  Queue queue_;
  SessionTable sessions_;
  WorkerTable workers_;
  std::set<std::pair<Time, std::uint64_t>>
      unproven_;  // verified, not yet for restart.reset_after: (ready, number)
  Backoff backoff_;
  Shrink shrink_;
  Counters counters_;
  std::string failure_;  // why the last failed worker failed; empty once the failures are forgotten

  Time now_{};
  std::optional<Time> timer_;
  bool changed_ = true;   // this step touched what reconcile() looks at
  bool settling_ = true;  // pool_settled is still to be told
  std::vector<Action> actions_;
};

}  // namespace herd::pool
