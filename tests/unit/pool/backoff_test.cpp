// Failures: how starts slow down, when the pool gives up, when it forgets.
#include "daemon/pool/backoff.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "tests/unit/pool/harness.hpp"

namespace herd::pool {
namespace {

config::PoolSpec patient(int min, int max) {
  auto spec = spec_of(min, max, 0);
  spec.restart.burst = std::numeric_limits<int>::max();
  return spec;
}

WorkerId only_starting(const World& world) {
  for (const WorkerView& worker : world.pool().workers())
    if (worker.state == WorkerState::starting) return worker.id;
  return {};
}

TEST(PoolBackoff, DelayDoublesUpToItsMaximum) {
  World world(patient(1, 1));
  Duration expected = 100ms;
  for (int failure = 1; failure <= 15; ++failure) {
    EXPECT_EQ(world.gone(only_starting(world)), "");
    EXPECT_EQ(world.pool().view().consecutive_failures, failure);
    EXPECT_EQ(world.pool().view().backoff_until, world.now() + expected);
    EXPECT_EQ(world.emitted("pool_backoff"), 1);
    EXPECT_EQ(world.wait(expected - 1ms), "");
    EXPECT_EQ(world.wait(1ms), "start x-" + std::to_string(failure + 1));
    EXPECT_FALSE(world.pool().view().backoff_until.has_value());
    expected = std::min<Duration>(expected * 2, 30s);
  }
}

// Pitfall 60: restart storm.
TEST(PoolBackoff, CommandThatFailsAThousandTimesStartsNoMoreThanTheBackoffAllows) {
  World world(patient(1, 1));
  int failures = 0;
  while (world.now() < kStart + 1h) {
    const WorkerId worker = only_starting(world);
    if (!worker.empty()) {
      world.gone(worker, ReasonKind::setup_failed);
      ++failures;
    } else {
      world.wait(10ms);
    }
  }
  // 0.1 + 0.2 + ... + 25.6 s, then one each 30 s.
  EXPECT_LE(failures, 9 + 3600 / 30 + 1);
  EXPECT_GE(failures, 100);
}

TEST(PoolBackoff, AThousandFailuresAtOnceStartNothingUntilTheBackoffIsOver) {
  auto spec = patient(1000, 1000);
  spec.workers.start_concurrency = 1000;
  World world(spec);
  for (const WorkerView& worker : world.pool().workers()) EXPECT_EQ(world.gone(worker.id), "");
  EXPECT_EQ(world.wait(30s - 1ms), "");
  EXPECT_EQ(world.pool().view().counters.started, 1000U);
  world.wait(1ms);
  EXPECT_EQ(world.pool().view().counters.started, 2000U);
}

TEST(PoolBackoff, StopIsImmediateWhileBackingOff) {
  World world(patient(1, 1));
  world.acquire(1, "ann");
  world.gone("x-1");
  EXPECT_EQ(world.step(Shutdown{}), "deny 1 stopping");
  EXPECT_TRUE(world.pool().finished());
  EXPECT_FALSE(world.timer().has_value());
}

TEST(PoolBackoff, CrashWhileStartingVerifyingOrIdleCounts) {
  World world(patient(3, 3));
  world.step(WorkerBecameReady{"x-2"});
  world.ready("x-3");
  world.gone("x-1", ReasonKind::ready_timeout);
  world.gone("x-2", ReasonKind::not_verified);
  world.gone("x-3", ReasonKind::signaled);
  EXPECT_EQ(world.pool().view().consecutive_failures, 3);
  EXPECT_EQ(world.pool().view().counters.crashed, 3U);
}

TEST(PoolBackoff, CrashWhileBoundDoesNotCountButIsCounted) {
  auto spec = spec_of(1, 1, 0);
  spec.restart.burst = 1;
  World world(spec);
  world.settle();
  world.acquire(1, "ann");
  EXPECT_EQ(world.gone("x-1", ReasonKind::signaled), "start x-2");
  EXPECT_EQ(world.pool().view().state, PoolState::running);
  EXPECT_EQ(world.pool().view().consecutive_failures, 0);
  EXPECT_EQ(world.pool().view().counters.crashed, 1U);
}

TEST(PoolBackoff, UnhealthyIdleWorkersSlowDownButNeverFailThePool) {
  auto spec = spec_of(3, 3, 0);
  spec.restart.burst = 2;
  World world(spec);
  world.settle();
  for (const char* worker : {"x-1", "x-2", "x-3"})
    EXPECT_EQ(world.step(WorkerIsUnhealthy{worker}), std::string("stop ") + worker + " unhealthy");
  EXPECT_EQ(world.pool().view().state, PoolState::running);
  EXPECT_EQ(world.gone("x-1", ReasonKind::unhealthy), "");
  EXPECT_EQ(world.pool().view().consecutive_failures, 3);
  EXPECT_EQ(world.wait(400ms), "start x-4");
}

TEST(PoolBackoff, ForgetsOnceAWorkerHasLivedResetAfterSinceItWasReady) {
  World world(patient(1, 1));
  world.gone("x-1");
  world.wait(100ms);
  world.ready("x-2");
  world.wait(60s - 1ms);
  EXPECT_EQ(world.pool().view().consecutive_failures, 1);
  world.wait(1ms);
  EXPECT_EQ(world.pool().view().consecutive_failures, 0);
}

TEST(PoolBackoff, AWorkerThatWasStableBeforeDoesNotMakeFailuresForgotten) {
  World world(patient(1, 2));
  world.settle();
  world.wait(2min);
  world.step(Scale{.min = 2});
  for (int failure = 1; failure <= 5; ++failure) {
    world.gone(only_starting(world));
    EXPECT_EQ(world.pool().view().consecutive_failures, failure);
    world.wait(30s);
  }
}

TEST(PoolBackoff, AWorkerThatWasStoppedDoesNotMakeFailuresForgotten) {
  World world(patient(1, 2));
  world.settle();
  world.wait(30s);
  world.step(Scale{.min = 2});
  world.gone(only_starting(world));
  world.step(StopWorkerRequest{"x-1"});
  world.wait(30s);
  EXPECT_EQ(world.pool().view().consecutive_failures, 1);
}

TEST(PoolBurst, AtTheBurstThePoolFailsAndSaysWhy) {
  World world(spec_of(1, 4, 0));
  world.acquire(1, "ann");
  for (int failure = 1; failure <= 4; ++failure) {
    world.gone(only_starting(world));
    EXPECT_EQ(world.pool().view().state, PoolState::running);
    world.wait(2s);
  }
  EXPECT_EQ(world.step(WorkerGone{only_starting(world), Reason{.kind = ReasonKind::exited, .code = 7}}),
            "deny 1 pool_failed");
  EXPECT_EQ(world.pool().view().state, PoolState::failed);
  EXPECT_EQ(world.pool().view().reason,
            "5 failures within 10s (restart.burst); the last: exited with code 7");
  EXPECT_EQ(world.emitted("pool_failed"), 1);
  EXPECT_EQ(world.wait(1h), "");
}

TEST(PoolBurst, FailuresFurtherApartThanTheWindowDoNotFailThePool) {
  auto spec = spec_of(1, 1, 0);
  spec.restart.burst = 2;
  World world(spec);
  for (int failure = 1; failure <= 20; ++failure) {
    world.gone(only_starting(world));
    ASSERT_EQ(world.pool().view().state, PoolState::running);
    world.wait(30s);
  }
}

TEST(PoolBurst, OtherWorkersLiveOnInAFailedPool) {
  auto spec = spec_of(3, 3, 0);
  spec.restart.burst = 1;
  World world(spec);
  world.ready("x-1");
  world.ready("x-2");
  world.acquire(1, "ann");
  EXPECT_EQ(world.gone("x-3"), "");
  EXPECT_EQ(world.workers(), "x-1 bound ann, x-2 idle");
  EXPECT_EQ(world.step(Release{"ann"}), "released ann yes; stop x-1 session_ended(released)");
}

TEST(PoolBurst, ResumeRestartAndANewDefinitionLeaveFailed) {
  auto spec = spec_of(1, 1, 0);
  spec.restart.burst = 1;
  const Event ways[] = {Resume{}, Restart{}, Configure{spec}, Configure{spec, true}};
  for (const Event& way : ways) {
    World world(spec);
    world.gone("x-1");
    ASSERT_EQ(world.pool().view().state, PoolState::failed);
    EXPECT_EQ(world.step(way), "start x-2");
    EXPECT_EQ(world.pool().view().state, PoolState::running);
    EXPECT_EQ(world.pool().view().consecutive_failures, 0);
    EXPECT_EQ(world.pool().view().reason, "");
  }
}

TEST(Backoff, LongestDelayDoesNotOverflow) {
  config::RestartSpec spec;
  spec.backoff_max = Duration::max();
  spec.burst = std::numeric_limits<int>::max();
  Backoff backoff;
  for (int i = 0; i < 200; ++i) backoff.failed(spec, kStart, FailureWeight::counts_to_burst);
  EXPECT_EQ(backoff.until(), Time::max());
}

TEST(Backoff, BurstAtTheEdgeOfTheWindow) {
  config::RestartSpec spec;
  spec.burst = 2;
  for (const auto& [gap, gives_up] :
       {std::pair<Duration, bool>(10s, true), std::pair<Duration, bool>(10001ms, false)}) {
    Backoff backoff;
    backoff.failed(spec, kStart, FailureWeight::counts_to_burst);
    backoff.failed(spec, kStart + gap, FailureWeight::counts_to_burst);
    EXPECT_EQ(backoff.exhausted(), gives_up) << gap.count();
  }
}

}  // namespace
}  // namespace herd::pool
