// Every pair of state and event, as tables: what the pool does and what it is afterwards.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/pool/harness.hpp"

namespace herd::pool {
namespace {

// ---- one worker
// ---------------------------------------------------------------------------------------------

/// Pool of one to three workers; x-1 is brought into the state, "unknown" means that it is gone already.
World with_worker(const std::string& state) {
  auto spec = spec_of(1, 3, 0);
  spec.recycle.memory = mib(100);
  World world(spec);
  if (state == "starting") return world;
  world.step(WorkerBecameReady{"x-1"});
  if (state == "verifying") return world;
  world.step(WorkerVerified{"x-1"});
  if (state == "idle") return world;
  world.acquire(1, "ann");
  if (state == "bound") return world;
  world.step(StopWorkerRequest{"x-1"});
  if (state == "unknown") world.gone("x-1", ReasonKind::stopped);
  return world;
}

struct WorkerCase {
  std::string state;
  std::string event;
  std::string asked;    // what the pool asked for
  std::string workers;  // all workers afterwards
};

Event worker_event(const std::string& name) {
  if (name == "ready") return WorkerBecameReady{"x-1"};
  if (name == "verified") return WorkerVerified{"x-1"};
  if (name == "unhealthy") return WorkerIsUnhealthy{"x-1"};
  if (name == "memory") return WorkerMemory{"x-1", mib(101)};
  if (name == "gone") return WorkerGone{"x-1", Reason{.kind = ReasonKind::exited}};
  return StopWorkerRequest{"x-1"};
}

const std::vector<WorkerCase> kWorkerCases = {
    {"starting", "ready", "", "x-1 verifying"},
    {"starting", "verified", "", "x-1 starting"},
    {"starting", "unhealthy", "", "x-1 starting"},
    {"starting", "memory", "", "x-1 starting"},
    {"starting", "gone", "", ""},
    {"starting", "stop", "stop x-1 stopped; start x-2", "x-1 stopping, x-2 starting"},
    {"verifying", "ready", "", "x-1 verifying"},
    {"verifying", "verified", "", "x-1 idle"},
    {"verifying", "unhealthy", "", "x-1 verifying"},
    {"verifying", "memory", "", "x-1 verifying"},
    {"verifying", "gone", "", ""},
    {"verifying", "stop", "stop x-1 stopped; start x-2", "x-1 stopping, x-2 starting"},
    {"idle", "ready", "", "x-1 idle"},
    {"idle", "verified", "", "x-1 idle"},
    {"idle", "unhealthy", "stop x-1 unhealthy", "x-1 stopping"},
    {"idle", "memory", "start x-2", "x-1 idle, x-2 starting"},
    {"idle", "gone", "", ""},
    {"idle", "stop", "stop x-1 stopped; start x-2", "x-1 stopping, x-2 starting"},
    {"bound", "ready", "", "x-1 bound ann"},
    {"bound", "verified", "", "x-1 bound ann"},
    {"bound", "unhealthy", "stop x-1 unhealthy; start x-2", "x-1 stopping, x-2 starting"},
    {"bound", "memory", "", "x-1 bound ann"},
    {"bound", "gone", "start x-2", "x-2 starting"},
    {"bound", "stop", "stop x-1 stopped; start x-2", "x-1 stopping, x-2 starting"},
    {"stopping", "ready", "", "x-1 stopping, x-2 starting"},
    {"stopping", "verified", "", "x-1 stopping, x-2 starting"},
    {"stopping", "unhealthy", "", "x-1 stopping, x-2 starting"},
    {"stopping", "memory", "", "x-1 stopping, x-2 starting"},
    {"stopping", "gone", "", "x-2 starting"},
    {"stopping", "stop", "", "x-1 stopping, x-2 starting"},
    {"unknown", "ready", "", "x-2 starting"},
    {"unknown", "verified", "", "x-2 starting"},
    {"unknown", "unhealthy", "", "x-2 starting"},
    {"unknown", "memory", "", "x-2 starting"},
    {"unknown", "gone", "", "x-2 starting"},
    {"unknown", "stop", "", "x-2 starting"},
};

TEST(PoolStates, EveryWorkerStateAndEvent) {
  for (const WorkerCase& row : kWorkerCases) {
    SCOPED_TRACE(row.state + " + " + row.event);
    World world = with_worker(row.state);
    EXPECT_EQ(world.step(worker_event(row.event)), row.asked);
    EXPECT_EQ(world.workers(), row.workers);
  }
}

// ---- the pool
// -----------------------------------------------------------------------------------------------

config::PoolSpec pool_spec() {
  auto spec = spec_of(2, 3, 0);
  spec.restart.burst = 1;
  return spec;
}

/// x-1 is bound to "ann", which request 1 holds with an idle session; x-2 is idle, or gone where the state
/// says so.
World with_pool(const std::string& state) {
  World world(pool_spec());
  world.settle();
  world.hold(1, "ann");
  if (state == "failed") {
    world.step(Scale{.min = 3});
    world.gone("x-3");
    world.step(Scale{.min = 2});
  } else if (state == "draining") {
    world.step(Drain{});
    world.gone("x-2", ReasonKind::stopped);
  } else if (state == "stopped") {
    world.step(Shutdown{});
  }
  EXPECT_EQ(name(world.pool().view().state), state);
  return world;
}

struct PoolCase {
  std::string state;
  std::string event;
  std::string asked;
  std::string state_after;
};

Event pool_event(const std::string& name) {
  if (name == "acquire hit") return Acquire{5, "ann"};
  if (name == "acquire new") return Acquire{5, "bob"};
  if (name == "cancel") return CancelAcquire{1};
  if (name == "release") return Release{"ann"};
  if (name == "lease closed") return LeaseClosed{1};
  if (name == "hold") return Hold{5, "ann", "x-1"};
  if (name == "scale") return Scale{.max = 1};
  if (name == "drain") return Drain{};
  if (name == "resume") return Resume{};
  if (name == "restart") return Restart{};
  if (name == "configure") return Configure{pool_spec()};
  if (name == "recycle") return Configure{pool_spec(), true};
  if (name == "shutdown") return Shutdown{};
  return TimerFired{};
}

const std::vector<PoolCase> kPoolCases = {
    {"running", "acquire hit", "grant 5 ann x-1 hit", "running"},
    {"running", "acquire new", "grant 5 bob x-2 new", "running"},
    {"running", "cancel", "", "running"},
    {"running", "release", "released ann yes; stop x-1 session_ended(released); start x-3", "running"},
    {"running", "lease closed", "stop x-1 session_ended(lease_closed); start x-3", "running"},
    {"running", "hold", "", "running"},
    {"running", "scale", "stop x-2 scaled_down", "running"},
    {"running", "drain", "stop x-2 stopped", "draining"},
    {"running", "resume", "", "running"},
    {"running", "restart", "start x-3", "running"},
    {"running", "configure", "", "running"},
    {"running", "recycle", "start x-3", "running"},
    {"running", "shutdown", "stop x-1 stopped; stop x-2 stopped", "stopped"},
    {"running", "timer", "", "running"},
    {"draining", "acquire hit", "grant 5 ann x-1 hit", "draining"},
    {"draining", "acquire new", "deny 5 pool_draining", "draining"},
    {"draining", "cancel", "", "draining"},
    {"draining", "release", "released ann yes; stop x-1 session_ended(released)", "draining"},
    {"draining", "lease closed", "stop x-1 session_ended(lease_closed)", "draining"},
    {"draining", "hold", "", "draining"},
    {"draining", "scale", "", "draining"},
    {"draining", "drain", "", "draining"},
    {"draining", "resume", "start x-3", "running"},
    {"draining", "restart", "", "draining"},
    {"draining", "configure", "", "draining"},
    {"draining", "recycle", "", "draining"},
    {"draining", "shutdown", "stop x-1 stopped", "stopped"},
    {"draining", "timer", "", "draining"},
    {"failed", "acquire hit", "grant 5 ann x-1 hit", "failed"},
    {"failed", "acquire new", "deny 5 pool_failed", "failed"},
    {"failed", "cancel", "", "failed"},
    {"failed", "release", "released ann yes; stop x-1 session_ended(released)", "failed"},
    {"failed", "lease closed", "stop x-1 session_ended(lease_closed)", "failed"},
    {"failed", "hold", "", "failed"},
    {"failed", "scale", "stop x-2 scaled_down", "failed"},
    {"failed", "drain", "stop x-2 stopped", "draining"},
    {"failed", "resume", "", "running"},
    {"failed", "restart", "start x-4", "running"},
    {"failed", "configure", "", "running"},
    {"failed", "recycle", "start x-4", "running"},
    {"failed", "shutdown", "stop x-1 stopped; stop x-2 stopped", "stopped"},
    {"failed", "timer", "", "failed"},
    {"stopped", "acquire hit", "deny 5 stopping", "stopped"},
    {"stopped", "acquire new", "deny 5 stopping", "stopped"},
    {"stopped", "cancel", "", "stopped"},
    {"stopped", "release", "released ann no", "stopped"},
    {"stopped", "lease closed", "", "stopped"},
    {"stopped", "hold", "", "stopped"},
    {"stopped", "scale", "", "stopped"},
    {"stopped", "drain", "", "stopped"},
    {"stopped", "resume", "", "stopped"},
    {"stopped", "restart", "", "stopped"},
    {"stopped", "configure", "", "stopped"},
    {"stopped", "recycle", "", "stopped"},
    {"stopped", "shutdown", "", "stopped"},
    {"stopped", "timer", "", "stopped"},
};

TEST(PoolStates, EveryPoolStateAndEvent) {
  for (const PoolCase& row : kPoolCases) {
    SCOPED_TRACE(row.state + " + " + row.event);
    World world = with_pool(row.state);
    EXPECT_EQ(world.step(pool_event(row.event)), row.asked);
    EXPECT_EQ(name(world.pool().view().state), row.state_after);
  }
}

/// In which pool state a worker says what: a failed pool still hears its workers, a draining one has them
/// stopping.
TEST(PoolStates, WorkersAreHeardInEveryPoolState) {
  for (const char* state : {"running", "draining", "failed"}) {
    SCOPED_TRACE(state);
    World world = with_pool(state);
    EXPECT_EQ(world.step(WorkerIsUnhealthy{"x-1"}).substr(0, 18), "stop x-1 unhealthy");
    world.gone("x-1", ReasonKind::unhealthy);
    EXPECT_FALSE(world.pool().worker("x-1").has_value());
  }
}

TEST(PoolStates, AWorkerThatGetsReadyInAFailedPoolIsIdle) {
  auto spec = pool_spec();
  World world(spec);
  world.gone("x-1");
  ASSERT_EQ(world.pool().view().state, PoolState::failed);
  EXPECT_EQ(world.ready("x-2"), "");
  EXPECT_EQ(world.workers(), "x-2 idle");
}

}  // namespace
}  // namespace herd::pool
