// How sessions live and end.
#include <gtest/gtest.h>

#include "tests/unit/pool/harness.hpp"

namespace herd::pool {
namespace {

config::PoolSpec reusing(int min, int max) {
  auto spec = spec_of(min, max, 0);
  spec.sessions.reuse = true;
  return spec;
}

TEST(PoolLease, IdleSessionEndsAfterIdleTimeoutSinceLastUse) {
  World world(spec_of(1, 1, 0));
  world.settle();
  world.acquire(1, "ann");
  world.wait(4min);
  world.acquire(2, "ann");
  EXPECT_EQ(world.wait(299999ms), "");
  EXPECT_EQ(world.wait(1ms), "stop x-1 idle_evicted");
  EXPECT_EQ(world.last_emitted("session_ended").session, "ann");
  EXPECT_EQ(world.last_emitted("session_ended").reason->kind, ReasonKind::idle_evicted);
}

TEST(PoolLease, IdleTimeoutOffKeepsTheSession) {
  auto spec = spec_of(1, 1, 0);
  spec.sessions.idle_timeout.reset();
  World world(spec);
  world.settle();
  world.acquire(1, "ann");
  EXPECT_FALSE(world.timer().has_value());
}

TEST(PoolLease, ConnectionSessionEndsWithItsLastHolder) {
  World world(spec_of(1, 1, 0));
  world.settle();
  world.hold(1, "ann");
  world.hold(2, "ann");
  EXPECT_EQ(world.wait(24h), "");
  EXPECT_EQ(world.step(LeaseClosed{1}), "");
  EXPECT_EQ(world.step(LeaseClosed{2}), "stop x-1 session_ended(lease_closed)");
}

TEST(PoolLease, AnIdleAcquireDoesNotKeepAConnectionSession) {
  World world(spec_of(1, 1, 0));
  world.settle();
  world.hold(1, "ann");
  world.acquire(2, "ann", {}, config::Lease::idle);
  EXPECT_EQ(world.pool().session("ann")->holders, 1);
  EXPECT_EQ(world.step(LeaseClosed{2}), "");
  EXPECT_EQ(world.step(LeaseClosed{1}), "stop x-1 session_ended(lease_closed)");
}

TEST(PoolLease, HolderOnAnIdleSessionStopsTheIdleClockWhileItHolds) {
  World world(spec_of(1, 1, 0));
  world.settle();
  world.acquire(1, "ann");
  world.hold(2, "ann");
  EXPECT_EQ(world.wait(1h), "");
  EXPECT_EQ(world.step(LeaseClosed{2}), "");
  EXPECT_EQ(world.wait(299999ms), "");
  EXPECT_EQ(world.wait(1ms), "stop x-1 idle_evicted");
}

TEST(PoolLease, ASessionThatIsHeldDoesNotRestUntilTheHoldEnds) {
  World world(spec_of(1, 1, 0));
  world.settle();
  world.acquire(1, "ann");
  EXPECT_EQ(world.step(Hold{2, "ann", "x-1"}), "");
  EXPECT_EQ(world.pool().session("ann")->holders, 1);
  EXPECT_EQ(world.wait(1h), "");
  EXPECT_EQ(world.step(LeaseClosed{2, 1min}), "") << "it has rested for a minute already";
  EXPECT_EQ(world.wait(239999ms), "");
  EXPECT_EQ(world.wait(1ms), "stop x-1 idle_evicted");
}

TEST(PoolLease, AHoldThatEndedLongAgoEndsAnIdleSessionAtOnce) {
  World world(spec_of(1, 1, 0));
  world.settle();
  world.acquire(1, "ann");
  world.step(Hold{2, "ann", "x-1"});
  world.wait(10min);
  EXPECT_EQ(world.step(LeaseClosed{2, 5min}), "stop x-1 idle_evicted");
}

TEST(PoolLease, AHoldNeverMakesAUseOlder) {
  World world(spec_of(1, 1, 0));
  world.settle();
  world.step(Hold{2, "ann", "x-1"});
  world.acquire(1, "ann");
  world.step(Hold{3, "ann", "x-1"});
  EXPECT_EQ(world.step(LeaseClosed{3, 1h}), "") << "it was acquired just now";
}

TEST(PoolLease, AHoldOfAnotherWorkersSessionIsNone) {
  World world(spec_of(1, 1, 0));
  world.settle();
  world.acquire(1, "ann");
  world.step(Hold{2, "ann", "x-0"});
  world.step(Hold{3, "bob", "x-1"});
  EXPECT_EQ(world.pool().session("ann")->holders, 0);
  EXPECT_EQ(world.step(LeaseClosed{2}), "");
}

TEST(PoolLease, AConnectionSessionThatIsHeldOutlivesItsConnection) {
  World world(spec_of(1, 1, 0));
  world.settle();
  world.hold(1, "ann");
  world.step(Hold{2, "ann", "x-1"});
  EXPECT_EQ(world.step(LeaseClosed{1}), "");
  EXPECT_EQ(world.step(LeaseClosed{2}), "stop x-1 session_ended(lease_closed)");
}

TEST(PoolLease, ThePoolsLeaseIsTheDefault) {
  auto spec = spec_of(1, 1, 0);
  spec.sessions.lease = config::Lease::connection;
  World world(spec);
  world.settle();
  world.acquire(1, "ann");
  EXPECT_EQ(world.pool().session("ann")->lease, config::Lease::connection);
  EXPECT_EQ(world.step(LeaseClosed{1}), "stop x-1 session_ended(lease_closed)");
}

TEST(PoolLease, ClosingAnUnknownLeaseIsHarmless) {
  World world(spec_of(1, 1, 0));
  world.settle();
  world.hold(1, "ann");
  world.step(Release{"ann"});
  EXPECT_EQ(world.step(LeaseClosed{1}), "");
  EXPECT_EQ(world.step(LeaseClosed{77}), "");
}

TEST(PoolLease, MaxLifetimeEndsASessionThatIsInUseAndHeld) {
  auto spec = spec_of(1, 1, 0);
  spec.sessions.max_lifetime = 10min;
  World world(spec);
  world.settle();
  world.hold(1, "ann");
  world.wait(9min);
  world.acquire(2, "ann", {}, config::Lease::idle);
  EXPECT_EQ(world.wait(59999ms), "");
  EXPECT_EQ(world.wait(1ms), "stop x-1 session_ended(max_lifetime)");
}

TEST(PoolLease, ReleaseEndsTheSession) {
  World world(spec_of(1, 2, 0));
  world.settle();
  world.acquire(1, "ann");
  EXPECT_EQ(world.step(Release{"ann"}), "released ann yes; stop x-1 session_ended(released); start x-2");
  EXPECT_EQ(world.last_emitted("session_ended").reason->what, "released");
}

// Pitfall 59: double release, release of a dead one, acquire during stop.
TEST(PoolLease, DoubleReleaseIsAnsweredNotFound) {
  World world(spec_of(0, 2, 0));
  world.acquire(1, "ann");
  world.settle();
  EXPECT_EQ(world.step(Release{"ann"}), "released ann yes; stop x-1 session_ended(released)");
  EXPECT_EQ(world.step(Release{"ann"}), "released ann no");
}

TEST(PoolLease, ReleaseOfADeadSessionIsAnsweredNotFound) {
  World world(spec_of(0, 2, 0));
  world.acquire(1, "ann");
  world.settle();
  world.gone("x-1", ReasonKind::signaled);
  EXPECT_EQ(world.step(Release{"ann"}), "released ann no");
}

TEST(PoolLease, AcquireDuringStopGetsANewWorker) {
  World world(spec_of(0, 2, 0));
  world.acquire(1, "ann");
  world.settle();
  world.step(Release{"ann"});
  EXPECT_EQ(world.acquire(2, "ann"), "start x-2");
  EXPECT_EQ(world.ready("x-1"), "");  // a late word of the old worker
  EXPECT_EQ(world.ready("x-2"), "grant 2 ann x-2 new");
  EXPECT_EQ(world.workers(), "x-1 stopping, x-2 bound ann");
}

TEST(PoolLease, ReleaseOfAQueuedSessionLeavesItsRequestsQueued) {
  World world(spec_of(0, 1, 0));
  world.acquire(1, "ann");
  EXPECT_EQ(world.step(Release{"ann"}), "released ann no");
  EXPECT_EQ(world.ready("x-1"), "grant 1 ann x-1 new");
}

TEST(PoolLease, CrashWhileBoundEndsTheSessionWithTheWorkersReason) {
  World world(spec_of(1, 2, 0));
  world.settle();
  world.acquire(1, "ann");
  EXPECT_EQ(world.gone("x-1", ReasonKind::oom_killed), "start x-2");
  EXPECT_EQ(world.last_emitted("session_ended").reason->kind, ReasonKind::oom_killed);
  EXPECT_EQ(world.last_emitted("session_ended").worker, "x-1");
  EXPECT_EQ(world.pool().view().counters.oom_killed, 1U);
  world.settle();
  EXPECT_EQ(world.acquire(2, "ann"), "grant 2 ann x-2 new");
}

TEST(PoolReuse, WithoutReuseAWorkerNeverSeesASecondSession) {
  World world(spec_of(1, 1, 0));
  world.settle();
  world.acquire(1, "ann");
  world.step(Release{"ann"});
  EXPECT_EQ(world.acquire(2, "bob"), "");
  EXPECT_EQ(world.gone("x-1", ReasonKind::session_ended), "start x-2");
  EXPECT_EQ(world.ready("x-2"), "grant 2 bob x-2 new");
}

TEST(PoolReuse, WithReuseAReleasedWorkerServesAgain) {
  World world(reusing(1, 1));
  world.settle();
  world.acquire(1, "ann");
  world.acquire(2, "bob");
  EXPECT_EQ(world.step(Release{"ann"}), "released ann yes; grant 2 bob x-1 new");
  EXPECT_EQ(world.pool().worker("x-1")->sessions_served, 2);
}

TEST(PoolReuse, WithReuseAnEvictedWorkerGoesBackToIdle) {
  World world(reusing(1, 1));
  world.settle();
  world.acquire(1, "ann");
  EXPECT_EQ(world.wait(5min), "");
  EXPECT_EQ(world.workers(), "x-1 idle");
}

TEST(PoolReuse, TurningReuseOffStopsUsedIdleWorkers) {
  World world(reusing(2, 4));
  world.settle();
  world.acquire(1, "ann");
  world.step(Release{"ann"});
  EXPECT_EQ(world.step(Configure{spec_of(2, 4, 0)}), "stop x-1 recycled; start x-3");
}

TEST(PoolReuse, TurningReuseOnDoesNotFreeAWorkerBoundWithoutIt) {
  World world(spec_of(1, 4, 0));
  world.settle();
  world.acquire(1, "ann");
  world.step(Configure{reusing(1, 4)});
  EXPECT_EQ(world.step(Release{"ann"}), "released ann yes; stop x-1 session_ended(released); start x-2");
}

TEST(PoolLease, ShorterIdleTimeoutAppliesToLivingSessions) {
  auto spec = spec_of(1, 1, 0);
  World world(spec);
  world.settle();
  world.acquire(1, "ann");
  spec.sessions.idle_timeout = 10s;
  world.step(Configure{spec});
  EXPECT_EQ(world.wait(10s), "stop x-1 idle_evicted");
}

}  // namespace
}  // namespace herd::pool
