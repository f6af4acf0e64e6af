// The pool machine: decides everything about one pool and does nothing itself.
//
// It does no I/O, knows no clock and no thread: `step(event, now)` returns the actions that the driver
// (daemon/herdd/pool_driver) performs, in order. Whatever happens to the outside comes back as an event.
// So every behaviour of a pool can be tested, and simulated for millions of steps, without a process.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/reason.hpp"
#include "common/units.hpp"
#include "config/pool_spec.hpp"

namespace herd::pool {

using Time = std::chrono::steady_clock::time_point;
using WorkerId = std::string;  // "NAME-17"
using SessionName = std::string;
using RequestId = std::uint64_t;  // one acquire, unique in the daemon's life; also names its connection lease
using Generation =
    std::uint64_t;  // of the pool's definition; a worker keeps the one that it was started with

enum class WorkerState { starting, verifying, idle, bound, stopping };
/// running: normal. draining: no new session, idle workers go, bound ones live on. failed: the restart burst
/// was used up; nothing is started until resume, restart or a changed definition. stopped: after Shutdown.
enum class PoolState { running, draining, failed, stopped };

std::string_view name(WorkerState state);
std::string_view name(PoolState state);

// ---- events
// -------------------------------------------------------------------------------------------------

struct Acquire {
  RequestId request = 0;
  SessionName session;              // never empty: the caller makes a random name where the client gave none
  std::optional<Duration> timeout;  // default: sessions.acquire_timeout; zero: answer at once or not at all
  std::optional<config::Lease> lease;  // default: sessions.lease
};
struct CancelAcquire {
  RequestId request = 0;
};  // the client left while it was queued
struct Release {
  SessionName session;
};  // explicit; answered by ReleaseAnswer
struct LeaseClosed {
  RequestId request = 0;
  Duration rested{0};
};  // the connection that acquired with lease `connection` closed, or a Hold ended; so long ago
struct Hold {
  RequestId request = 0;  // LeaseClosed of the same ends it
  SessionName session;
  WorkerId worker;  // that the caller knows; of another the session is another
};                  // traffic: the session does not rest meanwhile
struct WorkerBecameReady {
  WorkerId worker;
};  // it said that it is ready: starting -> verifying
struct WorkerVerified {
  WorkerId worker;
};  // the kernel agreed: verifying -> idle, or bound at once
struct WorkerIsUnhealthy {
  WorkerId worker;
};  // health.failures checks in a row failed
struct WorkerMemory {
  WorkerId worker;
  Bytes used;
};
struct WorkerGone {
  WorkerId worker;
  Reason reason;
};  // nothing of it is left; reason is the final one
struct TimerFired {};
struct Scale {
  std::optional<int> min, max, spare;
};  // until the next change of the definition
struct Drain {};
struct Resume {};   // from draining or failed
struct Restart {};  // replaces every worker: idle ones after a new one is ready, bound ones at session end
struct StopWorkerRequest {
  WorkerId worker;
};
struct Shutdown {};  // queue answered with `stopping`, sessions end, all workers stop
struct Configure {
  config::PoolSpec spec;
  bool recycle = false;
};  // recycle: running workers must be replaced

using Event = std::variant<Acquire, CancelAcquire, Release, LeaseClosed, Hold, WorkerBecameReady,
                           WorkerVerified, WorkerIsUnhealthy, WorkerMemory, WorkerGone, TimerFired, Scale,
                           Drain, Resume, Restart, StopWorkerRequest, Shutdown, Configure>;

// ---- actions
// ------------------------------------------------------------------------------------------------

struct StartWorker {
  WorkerId worker;
  Generation generation = 0;
};
struct StopWorker {
  WorkerId worker;
  Reason reason;
};  // the driver reports WorkerGone with this reason
enum class AcquireError { queue_full, timeout, pool_failed, pool_draining, stopping };
std::string_view name(
    AcquireError error);  // the stable code: "queue_full" "acquire_timeout" "pool_failed" ...
struct Granted {
  SessionName session;
  WorkerId worker;
  bool created = false;
};
struct Denied {
  AcquireError error = AcquireError::timeout;
  std::string message;
  Duration retry_after{0};
};
struct AnswerAcquire {
  RequestId request = 0;
  std::variant<Granted, Denied> outcome;
};
struct ReleaseAnswer {
  SessionName session;
  bool found = false;
};  // found: there was such a session and it ends now
struct SetTimer {
  Time at;
};  // replaces the earlier one; there is one timer a pool
struct ClearTimer {};
/// What people see in /v1/events: "session_started" "session_ended" "worker_starting" "worker_ready"
/// "worker_bound" "worker_stopping" "worker_gone" "pool_failed" "pool_backoff" "pool_state" "pool_settled"
/// ...
struct Emit {
  std::string type;
  WorkerId worker;
  SessionName session;
  std::optional<Reason> reason;
  std::string message;
};
using Action =
    std::variant<StartWorker, StopWorker, AnswerAcquire, ReleaseAnswer, SetTimer, ClearTimer, Emit>;

// ---- what can be read
// -----------------------------------------------------------------------------------------

struct WorkerView {
  WorkerId id;
  WorkerState state = WorkerState::starting;
  Generation generation = 0;
  Time started{}, ready{};
  std::optional<SessionName> session;
  int sessions_served = 0;
  bool verified = false;
};
struct SessionView {
  SessionName name;
  WorkerId worker;
  config::Lease lease = config::Lease::idle;
  Time started{}, last_used{};
  int holders = 0;  // open `connection` leases, and holds
};
struct Counters {  // only grow; hits: granted without a new session; crashed: gone unasked, oom_killed apart
  std::uint64_t started = 0, gone = 0, crashed = 0, oom_killed = 0, sessions = 0, acquires = 0, hits = 0,
                denied = 0;
};
struct View {
  PoolState state = PoolState::running;
  std::string reason;  // of `failed`, of a recycle that does not get ready; empty where all is well
  Generation generation = 0;
  int min = 0, max = 0, spare = 0;
  int starting = 0, idle = 0, bound = 0, stopping = 0, queued = 0;
  int consecutive_failures = 0;
  std::optional<Time> backoff_until;
  Counters counters;
};

/// Numbers for worker ids: must never repeat on a host, so they come from outside.
class IdSource {
 public:
  virtual ~IdSource() = default;
  virtual std::uint64_t next() = 0;
};

class Pool {
 public:
  /// `ids` must outlive the pool. Starts nothing before the first step (the driver sends TimerFired to
  /// begin).
  Pool(config::PoolSpec spec, IdSource& ids);
  ~Pool();
  Pool(Pool&&) noexcept;
  Pool& operator=(Pool&&) noexcept;

  /// Times never go back from one step to the next.
  std::vector<Action> step(const Event& event, Time now);

  [[nodiscard]] View view() const;
  [[nodiscard]] std::vector<WorkerView> workers() const;
  [[nodiscard]] std::vector<SessionView> sessions() const;
  [[nodiscard]] std::optional<WorkerView> worker(const WorkerId& id) const;
  [[nodiscard]] std::optional<SessionView> session(const SessionName& name) const;
  [[nodiscard]] const config::PoolSpec& spec() const;
  /// True once Shutdown was seen and no worker is left.
  [[nodiscard]] bool finished() const;

 private:
  class Machine;
  std::unique_ptr<Machine> machine_;
};

}  // namespace herd::pool
