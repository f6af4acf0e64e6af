// From the request to its one answer.
#include <gtest/gtest.h>

#include "tests/unit/pool/harness.hpp"

namespace herd::pool {
namespace {

TEST(PoolAcquire, NewSessionGetsAnIdleWorkerAtOnce) {
  World world(spec_of(1, 4, 0));
  world.settle();
  EXPECT_EQ(world.acquire(1, "ann"), "grant 1 ann x-1 new");
  EXPECT_EQ(world.workers(), "x-1 bound ann");
}

TEST(PoolAcquire, HitAnswersWithTheSameWorkerAndRefreshesLastUsed) {
  World world(spec_of(1, 4, 0));
  world.settle();
  world.acquire(1, "ann");
  world.wait(1min);
  EXPECT_EQ(world.acquire(2, "ann"), "grant 2 ann x-1 hit");
  EXPECT_EQ(world.pool().session("ann")->last_used, kStart + 1min);
  EXPECT_EQ(world.pool().view().counters.hits, 1U);
}

TEST(PoolAcquire, HitAsksForNothingElse) {
  World world(spec_of(1, 4, 0));
  world.settle();
  world.acquire(1, "ann");
  world.wait(1min);
  world.acquire(2, "ann");
  EXPECT_EQ(world.timer_changes(), 0);
  EXPECT_EQ(world.pool().step(Acquire{3, "ann"}, world.now()).size(), 1U);
}

// Pitfall 58: the same session from many at once.
TEST(PoolAcquire, SameSessionFromManyAtOnceIsOneWorker) {
  World world(spec_of(0, 10, 0));
  EXPECT_EQ(world.acquire(1, "ann"), "start x-1");
  for (RequestId request = 2; request <= 5; ++request) EXPECT_EQ(world.acquire(request, "ann"), "");
  EXPECT_EQ(world.ready("x-1"),
            "grant 1 ann x-1 new; grant 2 ann x-1 hit; grant 3 ann x-1 hit; grant 4 ann x-1 hit; grant 5 ann "
            "x-1 hit");
  EXPECT_EQ(world.pool().view().counters.sessions, 1U);
  EXPECT_EQ(world.pool().view().counters.started, 1U);
}

TEST(PoolAcquire, QueueIsFifoBySession) {
  World world(spec_of(0, 2, 0));
  EXPECT_EQ(world.acquire(1, "ann"), "start x-1");
  EXPECT_EQ(world.acquire(2, "bob"), "start x-2");
  world.acquire(3, "cyd");
  world.acquire(4, "ann");
  EXPECT_EQ(world.ready("x-2"), "grant 1 ann x-2 new; grant 4 ann x-2 hit");
  EXPECT_EQ(world.ready("x-1"), "grant 2 bob x-1 new");
  EXPECT_EQ(world.pool().view().queued, 1);
}

TEST(PoolAcquire, QueueLimitHoldsAtItAndDeniesOnePastIt) {
  auto spec = spec_of(0, 1, 0);
  spec.sessions.queue_limit = 3;
  World world(spec);
  world.acquire(1, "ann");
  world.acquire(2, "bob");
  EXPECT_EQ(world.acquire(3, "ann"), "");
  EXPECT_EQ(world.acquire(4, "ann"), "deny 4 queue_full");
  EXPECT_GT(world.last_denied().retry_after, Duration::zero());
  EXPECT_NE(world.last_denied().message.find("queue_limit"), std::string::npos);
  EXPECT_EQ(world.acquire(5, "cyd"), "deny 5 queue_full");
  world.step(CancelAcquire{2});
  EXPECT_EQ(world.acquire(6, "cyd"), "");
}

TEST(PoolAcquire, QueueFullWhileBackingOffSaysWhenStartsGoOn) {
  auto spec = spec_of(0, 1, 0);
  spec.sessions.queue_limit = 1;
  spec.restart.backoff_min = 20s;
  World world(spec);
  world.acquire(1, "ann");
  world.gone("x-1");
  world.acquire(2, "bob");
  EXPECT_EQ(world.last_denied().retry_after, Duration(20s));
}

TEST(PoolAcquire, EachRequestHasItsOwnTimeout) {
  World world(spec_of(0, 1, 0));
  world.acquire(1, "ann", 5s);
  world.acquire(2, "ann", 2s);
  world.acquire(3, "bob");  // sessions.acquire_timeout: 30s
  EXPECT_EQ(world.wait(1999ms), "");
  EXPECT_EQ(world.wait(1ms), "deny 2 acquire_timeout");
  EXPECT_EQ(world.wait(3s), "deny 1 acquire_timeout");
  EXPECT_EQ(world.wait(24999ms), "");
  EXPECT_EQ(world.wait(1ms), "deny 3 acquire_timeout");
  EXPECT_EQ(world.pool().view().counters.denied, 3U);
}

TEST(PoolAcquire, TimeoutThatFellDueIsOverEvenWhenTheTimerIsLate) {
  World world(spec_of(0, 1, 0));
  world.acquire(1, "ann", 5s);
  const auto actions = world.pool().step(WorkerBecameReady{"x-1"}, world.now() + 5s);
  EXPECT_TRUE(std::holds_alternative<AnswerAcquire>(actions.front()));
  EXPECT_EQ(world.pool().view().queued, 0);
}

TEST(PoolAcquire, ZeroTimeoutAnswersAtOnceOrDenies) {
  World world(spec_of(1, 1, 0));
  EXPECT_EQ(world.acquire(1, "ann", 0ms), "deny 1 acquire_timeout");
  world.settle();
  EXPECT_EQ(world.acquire(2, "ann", 0ms), "grant 2 ann x-1 new");
  EXPECT_EQ(world.acquire(3, "ann", 0ms), "grant 3 ann x-1 hit");
  EXPECT_EQ(world.acquire(4, "bob", 0ms), "deny 4 acquire_timeout");
}

TEST(PoolAcquire, TimeoutLongerThanTheClockNeverEnds) {
  World world(spec_of(0, 1, 0));
  world.acquire(1, "ann", Duration::max());
  EXPECT_FALSE(world.timer().has_value());
  EXPECT_EQ(world.ready("x-1"), "grant 1 ann x-1 new");
}

// Pitfall 57: a client that leaves while queued.
TEST(PoolAcquire, ClientThatLeavesWhileQueuedGivesItsPlaceUpBeforeAWorkerIsBound) {
  World world(spec_of(0, 1, 0));
  world.acquire(1, "ann");
  world.acquire(2, "bob");
  EXPECT_EQ(world.step(CancelAcquire{1}), "");
  EXPECT_EQ(world.ready("x-1"), "grant 2 bob x-1 new");
}

TEST(PoolAcquire, WhenAllRequestsOfASessionCancelNoWorkerIsBoundForIt) {
  World world(spec_of(0, 2, 0));
  world.acquire(1, "ann");
  world.acquire(2, "ann");
  world.step(CancelAcquire{1});
  world.step(LeaseClosed{2});  // of a queued request: the same as a cancel
  EXPECT_EQ(world.ready("x-1"), "");
  EXPECT_EQ(world.workers(), "x-1 idle");
  EXPECT_FALSE(world.pool().session("ann").has_value());
}

TEST(PoolAcquire, WhenTheFirstOfASessionCancelsTheNextOneCreates) {
  World world(spec_of(0, 2, 0));
  world.acquire(1, "ann");
  world.hold(2, "ann");
  world.step(CancelAcquire{1});
  EXPECT_EQ(world.ready("x-1"), "grant 2 ann x-1 new");
  EXPECT_EQ(world.pool().session("ann")->lease, config::Lease::connection);
}

TEST(PoolAcquire, CancelAfterTheGrantIsNothing) {
  World world(spec_of(1, 1, 0));
  world.settle();
  world.hold(1, "ann");
  EXPECT_EQ(world.step(CancelAcquire{1}), "");
  EXPECT_EQ(world.pool().session("ann")->holders, 1);
  EXPECT_EQ(world.step(CancelAcquire{99}), "");
}

TEST(PoolAcquire, TheSameQueuedRequestTwiceIsAnsweredOnce) {
  World world(spec_of(0, 1, 0));
  world.acquire(1, "ann");
  world.acquire(1, "bob");
  EXPECT_EQ(world.ready("x-1"), "grant 1 ann x-1 new");
  EXPECT_EQ(world.pool().view().queued, 0);
}

// A worker that came back in this very step belongs to who waits, not to who asks now.
TEST(PoolAcquire, NobodyOvertakesTheQueueInTheStepThatFreesAWorker) {
  auto spec = spec_of(1, 1, 0);
  spec.sessions.reuse = true;
  spec.sessions.max_lifetime = 10s;
  World world(spec);
  world.settle();
  world.acquire(1, "ann");
  world.acquire(2, "bob");
  const auto late = world.now() + 10s;
  const auto actions = world.pool().step(Acquire{3, "cyd"}, late);
  for (const Action& action : actions) {
    if (const auto* answer = std::get_if<AnswerAcquire>(&action)) {
      EXPECT_EQ(answer->request, 2U);
    }
  }
  EXPECT_EQ(world.workers(), "x-1 bound bob");
  EXPECT_EQ(world.pool().view().queued, 1);
}

TEST(PoolAcquire, DrainingPoolServesItsSessionsAndRefusesNewOnes) {
  World world(spec_of(1, 1, 0));
  world.settle();
  world.acquire(1, "ann");
  world.acquire(2, "bob");
  EXPECT_EQ(world.step(Drain{}), "deny 2 pool_draining");
  EXPECT_EQ(world.acquire(3, "ann"), "grant 3 ann x-1 hit");
  EXPECT_EQ(world.acquire(4, "bob"), "deny 4 pool_draining");
}

TEST(PoolAcquire, FailedPoolServesItsSessionsAndSaysWhyItRefusesNewOnes) {
  auto spec = spec_of(2, 2, 0);
  spec.restart.burst = 1;
  World world(spec);
  world.ready("x-1");
  world.acquire(1, "ann");
  world.acquire(2, "bob");
  EXPECT_EQ(world.step(WorkerGone{"x-2", Reason{.kind = ReasonKind::exited, .code = 3}}),
            "deny 2 pool_failed");
  EXPECT_EQ(world.acquire(3, "ann"), "grant 3 ann x-1 hit");
  EXPECT_EQ(world.acquire(4, "bob"), "deny 4 pool_failed");
  EXPECT_NE(
      world.last_denied().message.find("1 failures within 10s (restart.burst); the last: exited with code 3"),
      std::string::npos);
}

TEST(PoolAcquire, StoppingPoolRefusesAll) {
  World world(spec_of(1, 1, 0));
  world.settle();
  world.acquire(1, "ann");
  world.acquire(2, "bob");
  EXPECT_EQ(world.step(Shutdown{}), "deny 2 stopping; stop x-1 stopped");
  EXPECT_EQ(world.acquire(3, "ann"), "deny 3 stopping");
}

}  // namespace
}  // namespace herd::pool
