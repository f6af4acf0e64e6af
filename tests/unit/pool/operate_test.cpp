// Drain, resume, shutdown, single workers.
#include <gtest/gtest.h>

#include "tests/unit/pool/harness.hpp"

namespace herd::pool {
namespace {

TEST(PoolDrain, IdleAndStartingWorkersStopAndBoundOnesLiveOn) {
  World world(spec_of(3, 3, 0));
  world.ready("x-1");
  world.ready("x-2");
  world.acquire(1, "ann");
  EXPECT_EQ(world.step(Drain{}), "stop x-3 stopped; stop x-2 stopped");
  EXPECT_EQ(world.settle(), "");
  EXPECT_EQ(world.workers(), "x-1 bound ann");
  EXPECT_EQ(world.last_emitted("pool_state").message, "");
}

TEST(PoolDrain, AReusableWorkerStopsAtItsSessionsEnd) {
  auto spec = spec_of(1, 1, 0);
  spec.sessions.reuse = true;
  World world(spec);
  world.settle();
  world.acquire(1, "ann");
  world.step(Drain{});
  EXPECT_EQ(world.step(Release{"ann"}), "released ann yes; stop x-1 stopped");
}

TEST(PoolDrain, ResumeStartsAgain) {
  World world(spec_of(1, 2, 0));
  world.settle();
  world.step(Drain{});
  EXPECT_EQ(world.last_emitted("pool_state").message, "draining");
  EXPECT_EQ(world.step(Resume{}), "start x-2");
  EXPECT_EQ(world.last_emitted("pool_state").message, "running");
  EXPECT_EQ(world.pool().view().state, PoolState::running);
}

TEST(PoolDrain, AChangeOfTheDefinitionDoesNotResume) {
  World world(spec_of(1, 2, 0));
  world.step(Drain{});
  world.settle();
  EXPECT_EQ(world.step(Configure{spec_of(2, 2, 0), true}), "");
  EXPECT_EQ(world.step(Restart{}), "");
  EXPECT_EQ(world.step(Scale{.min = 2}), "");
  EXPECT_EQ(world.pool().view().state, PoolState::draining);
}

TEST(PoolShutdown, EndsQueueSessionsAndWorkersAndIsFinishedWhenNoneIsLeft) {
  World world(spec_of(3, 3, 0));
  world.ready("x-1");
  world.ready("x-2");
  world.acquire(1, "ann");
  EXPECT_EQ(world.step(Shutdown{}), "stop x-1 stopped; stop x-2 stopped; stop x-3 stopped");
  EXPECT_EQ(world.last_emitted("session_ended").reason->kind, ReasonKind::stopped);
  EXPECT_FALSE(world.timer().has_value());
  world.gone("x-1", ReasonKind::stopped);
  world.gone("x-2", ReasonKind::stopped);
  EXPECT_FALSE(world.pool().finished());
  EXPECT_EQ(world.gone("x-3", ReasonKind::stopped), "");
  EXPECT_TRUE(world.pool().finished());
}

TEST(PoolShutdown, NothingBringsAStoppedPoolBack) {
  World world(spec_of(1, 1, 0));
  world.step(Shutdown{});
  world.gone("x-1", ReasonKind::stopped);
  const Event events[] = {Resume{},    Restart{}, Drain{}, Scale{.min = 1}, Configure{spec_of(1, 1, 0), true},
                          TimerFired{}};
  for (const Event& event : events) EXPECT_EQ(world.step(event), "");
  EXPECT_TRUE(world.pool().finished());
}

TEST(PoolStopWorker, ItsSessionEndsWithReasonStopped) {
  World world(spec_of(1, 2, 0));
  world.settle();
  world.acquire(1, "ann");
  EXPECT_EQ(world.step(StopWorkerRequest{"x-1"}), "stop x-1 stopped; start x-2");
  EXPECT_EQ(world.last_emitted("session_ended").reason->kind, ReasonKind::stopped);
  EXPECT_EQ(world.step(StopWorkerRequest{"x-1"}), "");
}

TEST(PoolHealth, UnhealthyBoundWorkerEndsItsSessionWithThatReason) {
  World world(spec_of(1, 2, 0));
  world.settle();
  world.acquire(1, "ann");
  EXPECT_EQ(world.step(WorkerIsUnhealthy{"x-1"}), "stop x-1 unhealthy; start x-2");
  EXPECT_EQ(world.last_emitted("session_ended").reason->kind, ReasonKind::unhealthy);
  EXPECT_EQ(world.pool().view().consecutive_failures, 0);
}

TEST(PoolViews, SayWhatThereIs) {
  World world(spec_of(2, 4, 1));
  world.wait(1s);
  world.ready("x-1");
  world.hold(7, "ann");
  const View view = world.pool().view();
  EXPECT_EQ(view.bound, 1);
  EXPECT_EQ(view.starting, 1);
  EXPECT_EQ(view.spare, 1);
  EXPECT_EQ(view.counters.started, 2U);
  const WorkerView worker = *world.pool().worker("x-1");
  EXPECT_TRUE(worker.verified);
  EXPECT_EQ(worker.started, kStart);
  EXPECT_EQ(worker.ready, kStart + 1s);
  EXPECT_EQ(worker.session, "ann");
  EXPECT_EQ(world.pool().session("ann")->worker, "x-1");
  EXPECT_EQ(world.pool().session("ann")->holders, 1);
  EXPECT_EQ(world.pool().sessions().size(), 1U);
  EXPECT_FALSE(world.pool().worker("x-9").has_value());
  EXPECT_FALSE(world.pool().session("bob").has_value());
}

}  // namespace
}  // namespace herd::pool
