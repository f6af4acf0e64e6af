// A world of faults for the pool machine: a driver and clients that do anything in any order, from a seed,
// and a model beside it that checks the design's invariants (section 14: 1, 3, 4, 5, 6) after every step.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/unit/pool/harness.hpp"

namespace herd::pool {

/// What an invariant that does not hold is reported as.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What must be true, told by nothing but the events sent and the actions received.
class Model {
 public:
  void before(const Event& event, const Pool& pool, Time now);
  void action(const Action& action);
  /// After all actions of a step.
  void check(const Pool& pool, Time now);
  /// After the world stood still with everything going well.
  void check_settled(const Pool& pool) const;

  struct Worker {
    bool verified = false, stop_asked = false;
    bool single_use = false;
    int sessions = 0;
    SessionName session;
  };
  struct Request {
    SessionName session;
    Time deadline{};
    std::uint64_t place = 0;
    bool leaving = false;  // its client cancels in this step
  };
  [[nodiscard]] const std::map<WorkerId, Worker>& workers() const { return workers_; }
  [[nodiscard]] const std::map<RequestId, Request>& pending() const { return pending_; }
  [[nodiscard]] std::optional<Time> timer() const { return timer_; }
  void timer_fired() { timer_.reset(); }

 private:
  void started(const StartWorker& start);
  void stopped(const StopWorker& stop);
  void answered(const AnswerAcquire& answer);
  void granted(const Request& request, const Granted& granted);
  void told(const Emit& event);
  void check_workers(const Pool& pool, const View& view) const;
  void check_sessions(const Pool& pool, Time now) const;
  void check_counters(const Counters& counters);
  [[nodiscard]] std::uint64_t place_of(const SessionName& session, Time now);
  [[nodiscard]] std::uint64_t first_place() const;
  [[nodiscard]] bool a_worker_proved_itself(const Pool& pool, Time now) const;

  std::map<WorkerId, Worker> workers_;
  std::map<WorkerId, bool> seen_;
  std::map<SessionName, WorkerId> sessions_;
  std::map<RequestId, Request> pending_;
  std::optional<Time> timer_;
  std::uint64_t last_place_ = 0;
  std::uint64_t acquires_ = 0, granted_ = 0, denied_ = 0, cancelled_ = 0;
  Counters counters_;
  Generation required_generation_ = 0;

  // of the step under way
  const Event* event_ = nullptr;
  View view_before_;
  Time now_{};
  bool reuse_ = false;
  int max_ = 0, start_limit_ = 0;
  bool may_start_ = false;
  std::size_t queue_limit_ = 0;
  std::optional<bool> released_;
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed);
  /// Throws Broken, with the seed and the step in its message.
  void run(std::uint64_t steps);

 private:
  void begin_life();
  void end_life();
  void settle();
  void random_step();
  Event random_event();
  Event client_event();
  Event worker_event();
  Event operator_event();
  Event acquire();
  config::PoolSpec random_spec();
  void pass_time();
  void send(const Event& event);

  int number(int from, int to);
  bool chance(int percent) { return number(1, 100) <= percent; }
  SessionName session() { return "s" + std::to_string(number(1, names_)); }
  RequestId some_request();
  Reason crash();

  std::uint64_t seed_;
  std::uint64_t steps_ = 0;
  std::mt19937_64 random_;
  CountingIds ids_;
  RequestId last_request_ = 0;
  Time now_ = kStart;
  int names_ = 1, crash_percent_ = 0;
  std::unique_ptr<Pool> pool_;
  std::unique_ptr<Model> model_;
};

}  // namespace herd::pool
