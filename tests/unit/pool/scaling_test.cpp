// How many workers there are.
#include <gtest/gtest.h>

#include "daemon/pool/shrink.hpp"
#include "tests/unit/pool/harness.hpp"

namespace herd::pool {
namespace {

TEST(PoolScaling, StartsMinWorkersAtTheFirstStep) {
  World world(spec_of(3, 10, 1));
  EXPECT_EQ(world.workers(), "x-1 starting, x-2 starting, x-3 starting");
}

TEST(PoolScaling, KeepsSpareOnTopOfBound) {
  World world(spec_of(1, 10, 2));
  world.settle();
  EXPECT_EQ(world.workers(), "x-1 idle, x-2 idle");
  EXPECT_EQ(world.acquire(1, "ann"), "grant 1 ann x-1 new; start x-3");
}

TEST(PoolScaling, NeverAboveMax) {
  World world(spec_of(0, 2, 2));
  world.settle();
  for (RequestId request = 1; request <= 5; ++request) world.acquire(request, "s" + std::to_string(request));
  EXPECT_EQ(world.workers(), "x-1 bound s1, x-2 bound s2");
  EXPECT_EQ(world.pool().view().queued, 3);
}

TEST(PoolScaling, StoppingWorkersCountAgainstMaxUntilTheyAreGone) {
  World world(spec_of(1, 1, 0));
  world.settle();
  EXPECT_EQ(world.step(StopWorkerRequest{"x-1"}), "stop x-1 stopped");
  EXPECT_EQ(world.gone("x-1", ReasonKind::stopped), "start x-2");
}

TEST(PoolScaling, StartConcurrencyLimitsStartingAndVerifying) {
  auto spec = spec_of(5, 10, 0);
  spec.workers.start_concurrency = 2;
  World world(spec);
  EXPECT_EQ(world.workers(), "x-1 starting, x-2 starting");
  EXPECT_EQ(world.step(WorkerBecameReady{"x-1"}), "");
  EXPECT_EQ(world.step(WorkerVerified{"x-1"}), "start x-3");
}

TEST(PoolScaling, QueuedSessionsWantWorkersButQueuedRequestsDoNot) {
  World world(spec_of(0, 10, 0));
  EXPECT_EQ(world.acquire(1, "ann"), "start x-1");
  EXPECT_EQ(world.acquire(2, "ann"), "");
  EXPECT_EQ(world.acquire(3, "bob"), "start x-2");
}

TEST(PoolScaling, SurplusIdleWorkersStayForTheShrinkDelay) {
  World world(spec_of(3, 10, 0));
  world.settle();
  EXPECT_EQ(world.step(Scale{.min = 1}), "");
  EXPECT_EQ(world.wait(kShrinkDelay - 1ms), "");
  EXPECT_EQ(world.wait(1ms), "stop x-3 scaled_down; stop x-2 scaled_down");
}

TEST(PoolScaling, AWorkerThatNobodyWaitsForAnyMoreIsSurplus) {
  World world(spec_of(0, 10, 0));
  world.acquire(1, "ann");
  world.step(CancelAcquire{1});
  EXPECT_EQ(world.ready("x-1"), "");
  EXPECT_EQ(world.wait(kShrinkDelay), "stop x-1 scaled_down");
}

TEST(PoolScaling, WorkersUsedWithinTheShrinkDelayStay) {
  auto spec = spec_of(0, 10, 0);
  spec.sessions.reuse = true;
  World world(spec);
  world.acquire(1, "ann");
  world.acquire(2, "bob");
  world.settle();
  world.step(Release{"ann"});
  world.step(Release{"bob"});
  world.wait(20s);
  world.acquire(3, "cyd");
  world.step(Release{"cyd"});
  // One of the two was used: only the other was surplus all the time.
  EXPECT_EQ(world.wait(10s), "stop x-2 scaled_down");
  EXPECT_EQ(world.wait(kShrinkDelay - 1ms), "");
  EXPECT_EQ(world.wait(1ms), "stop x-1 scaled_down");
}

TEST(PoolScaling, LoweringMaxStopsIdleOnesAtOnceAndLeavesBoundOnes) {
  World world(spec_of(4, 10, 0));
  world.settle();
  world.acquire(1, "ann");
  world.acquire(2, "bob");
  EXPECT_EQ(world.step(Scale{.max = 1}), "stop x-4 scaled_down; stop x-3 scaled_down");
  world.settle();
  EXPECT_EQ(world.workers(), "x-1 bound ann, x-2 bound bob");
  EXPECT_EQ(world.step(Release{"ann"}), "released ann yes; stop x-1 session_ended(released)");
  EXPECT_EQ(world.settle(), "");
  EXPECT_EQ(world.workers(), "x-2 bound bob");
}

TEST(PoolScaling, LoweringMaxByConfigureStopsIdleOnesAtOnce) {
  World world(spec_of(3, 10, 0));
  world.settle();
  EXPECT_EQ(world.step(Configure{spec_of(1, 1, 0)}), "stop x-3 scaled_down; stop x-2 scaled_down");
}

TEST(PoolScaling, LoweringMaxStopsStartingOnesBeforeReadyOnes) {
  World world(spec_of(3, 3, 0));
  world.ready("x-1");
  EXPECT_EQ(world.step(Scale{.max = 2}), "stop x-3 scaled_down");
}

TEST(PoolScaling, ScaleHoldsUntilTheNextDefinition) {
  World world(spec_of(1, 5, 0));
  EXPECT_EQ(world.step(Scale{.min = 3}), "start x-2; start x-3");
  EXPECT_EQ(world.pool().view().min, 3);
  world.step(Configure{spec_of(1, 5, 0)});
  EXPECT_EQ(world.pool().view().min, 1);
}

TEST(PoolScaling, MinIsCutByMaxAndComesBackWithIt) {
  World world(spec_of(3, 5, 0));
  world.settle();
  world.step(Scale{.max = 1});
  EXPECT_EQ(world.pool().view().min, 1);
  world.step(Scale{.max = 5});
  EXPECT_EQ(world.pool().view().min, 3);
}

TEST(PoolScaling, NonsenseNumbersAreCutToZero) {
  World world(spec_of(1, 1, 0));
  world.settle();
  EXPECT_EQ(world.step(Scale{.min = -5, .max = -1, .spare = -7}), "stop x-1 scaled_down");
  const View view = world.pool().view();
  EXPECT_EQ(view.min + view.max + view.spare, 0);
}

TEST(PoolScaling, SettledIsSaidOnceAfterAChange) {
  World world(spec_of(2, 4, 0));
  world.settle();
  EXPECT_EQ(world.emitted("pool_settled"), 1);
  world.acquire(1, "ann");
  world.step(Release{"ann"});
  world.settle();
  EXPECT_EQ(world.emitted("pool_settled"), 0);
  world.step(Scale{.min = 3});
  world.settle();
  EXPECT_EQ(world.emitted("pool_settled"), 1);
}

TEST(PoolScaling, SettledIsSaidWhenTheLastOneThatWaitedLeaves) {
  World world(spec_of(0, 1, 0));
  world.acquire(1, "ann");
  world.acquire(2, "bob");
  world.settle();
  world.step(Scale{.spare = 0});
  EXPECT_EQ(world.emitted("pool_settled"), 0);
  world.step(CancelAcquire{2});
  EXPECT_EQ(world.emitted("pool_settled"), 1);
}

TEST(PoolTimer, OneTimerAtTheNearestDeadlineSetOnlyWhenItChanges) {
  World world(spec_of(0, 1, 0));
  EXPECT_FALSE(world.timer().has_value());
  world.acquire(1, "ann", 20s);
  EXPECT_EQ(world.timer(), kStart + 20s);
  world.acquire(2, "ann", 30s);
  EXPECT_EQ(world.timer_changes(), 0);
  world.acquire(3, "ann", 10s);
  EXPECT_EQ(world.timer(), kStart + 10s);
  world.step(CancelAcquire{3});
  EXPECT_EQ(world.timer(), kStart + 20s);
  world.step(CancelAcquire{1});
  world.step(CancelAcquire{2});
  EXPECT_FALSE(world.timer().has_value());
}

TEST(PoolTimer, NoDeadlineClearsTheTimer) {
  World world(spec_of(1, 1, 0));
  world.acquire(1, "ann", 20s);
  ASSERT_TRUE(world.timer().has_value());
  world.step(CancelAcquire{1});
  EXPECT_FALSE(world.timer().has_value());
  EXPECT_EQ(world.timer_changes(), 1);
}

TEST(PoolTimer, FiringEarlyOrTwiceIsHarmless) {
  World world(spec_of(1, 1, 0));
  world.settle();
  world.acquire(1, "ann");
  EXPECT_EQ(world.step(TimerFired{}), "");
  EXPECT_EQ(world.timer(), kStart + 5min);
}

TEST(Shrink, OnlyTheLowestSurplusOfTheDelayMayGo) {
  Shrink shrink;
  EXPECT_EQ(shrink.observe(5, kStart), 0);
  EXPECT_EQ(shrink.observe(2, kStart + 10s), 0);
  EXPECT_EQ(shrink.observe(7, kStart + 20s), 0);
  EXPECT_EQ(shrink.observe(7, kStart + 30s), 2);
  EXPECT_EQ(shrink.due(), kStart + 60s);
  EXPECT_EQ(shrink.observe(5, kStart + 60s), 5);
  EXPECT_FALSE(shrink.due().has_value());
}

TEST(Shrink, NoSurplusBeginsAnew) {
  Shrink shrink;
  shrink.observe(3, kStart);
  shrink.observe(0, kStart + 29s);
  EXPECT_FALSE(shrink.due().has_value());
  EXPECT_EQ(shrink.observe(3, kStart + 30s), 0);
  EXPECT_EQ(shrink.due(), kStart + 60s);
}

}  // namespace
}  // namespace herd::pool
