// How workers are replaced: by age, use, memory, or because the definition changed.
#include <gtest/gtest.h>

#include "tests/unit/pool/harness.hpp"

namespace herd::pool {
namespace {

TEST(PoolRecycle, BySessionsAfterTheLastOneAllowed) {
  auto spec = spec_of(1, 2, 0);
  spec.sessions.reuse = true;
  spec.recycle.sessions = 2;
  World world(spec);
  world.settle();
  world.acquire(1, "ann");
  EXPECT_EQ(world.step(Release{"ann"}), "released ann yes");
  world.acquire(2, "bob");
  EXPECT_EQ(world.step(Release{"bob"}), "released bob yes; stop x-1 recycled; start x-2");
}

TEST(PoolRecycle, ByAgeTheNewOneIsReadyBeforeTheOldOneGoes) {
  auto spec = spec_of(1, 2, 0);
  spec.recycle.age = 1h;
  World world(spec);
  world.settle();
  EXPECT_EQ(world.wait(1h - 1ms), "");
  EXPECT_EQ(world.wait(1ms), "start x-2");
  EXPECT_EQ(world.workers(), "x-1 idle, x-2 starting");
  EXPECT_EQ(world.ready("x-2"), "stop x-1 recycled");
}

TEST(PoolRecycle, ByAgeABoundWorkerGoesAtItsSessionsEnd) {
  auto spec = spec_of(1, 2, 0);
  spec.sessions.reuse = true;
  spec.sessions.idle_timeout.reset();
  spec.recycle.age = 1h;
  World world(spec);
  world.settle();
  world.acquire(1, "ann");
  EXPECT_EQ(world.wait(2h), "");
  EXPECT_EQ(world.step(Release{"ann"}), "released ann yes; stop x-1 recycled; start x-2");
}

TEST(PoolRecycle, ByMemoryIdleIsReplacedAndBoundGoesAtSessionEnd) {
  auto spec = spec_of(2, 3, 0);
  spec.sessions.reuse = true;
  spec.recycle.memory = mib(100);
  World world(spec);
  world.settle();
  world.acquire(1, "ann");
  EXPECT_EQ(world.step(WorkerMemory{"x-1", mib(101)}), "");
  EXPECT_EQ(world.step(WorkerMemory{"x-2", mib(100)}), "");
  EXPECT_EQ(world.step(WorkerMemory{"x-2", Bytes{mib(100).value + 1}}), "start x-3");
  EXPECT_EQ(world.ready("x-3"), "stop x-2 recycled");
  EXPECT_EQ(world.step(Release{"ann"}), "released ann yes; stop x-1 recycled");
}

TEST(PoolRecycle, MemoryThatFellAgainKeepsTheWorker) {
  auto spec = spec_of(1, 2, 0);
  spec.recycle.memory = mib(100);
  World world(spec);
  world.settle();
  EXPECT_EQ(world.step(WorkerMemory{"x-1", mib(200)}), "start x-2");
  world.step(WorkerMemory{"x-1", mib(50)});
  EXPECT_EQ(world.ready("x-2"), "");
  EXPECT_EQ(world.wait(30s), "stop x-2 scaled_down");
}

TEST(PoolRestart, ReplacesIdleWorkersOneByOneAndNeverHasFewerReadyOnes) {
  World world(spec_of(3, 4, 0));
  world.settle();
  EXPECT_EQ(world.step(Restart{}), "start x-4");
  EXPECT_EQ(world.ready("x-4"), "stop x-3 recycled");
  EXPECT_EQ(world.gone("x-3", ReasonKind::recycled), "start x-5");
  EXPECT_EQ(world.ready("x-5"), "stop x-2 recycled");
  EXPECT_EQ(world.gone("x-2", ReasonKind::recycled), "start x-6");
  EXPECT_EQ(world.ready("x-6"), "stop x-1 recycled");
  world.settle();
  EXPECT_EQ(world.workers(), "x-4 idle, x-5 idle, x-6 idle");
}

TEST(PoolRestart, ABoundWorkerKeepsItsSessionToTheEnd) {
  World world(spec_of(1, 2, 0));
  world.settle();
  world.acquire(1, "ann");
  EXPECT_EQ(world.step(Restart{}), "");
  EXPECT_EQ(world.acquire(2, "ann"), "grant 2 ann x-1 hit");
  EXPECT_EQ(world.step(Release{"ann"}), "released ann yes; stop x-1 session_ended(released); start x-2");
  EXPECT_EQ(world.pool().worker("x-2")->generation, world.pool().view().generation);
}

TEST(PoolRestart, AReusedOldWorkerGoesOnceANewOneIsReady) {
  auto spec = spec_of(1, 2, 0);
  spec.sessions.reuse = true;
  World world(spec);
  world.settle();
  world.acquire(1, "ann");
  world.step(Restart{});
  EXPECT_EQ(world.step(Release{"ann"}), "released ann yes; start x-2");
  EXPECT_EQ(world.ready("x-2"), "stop x-1 recycled");
}

TEST(PoolRestart, AtMaxOneIdleWorkerMakesRoom) {
  World world(spec_of(2, 2, 0));
  world.settle();
  EXPECT_EQ(world.step(Restart{}), "stop x-2 recycled");
  EXPECT_EQ(world.gone("x-2", ReasonKind::recycled), "start x-3");
  EXPECT_EQ(world.ready("x-3"), "stop x-1 recycled");
  EXPECT_EQ(world.gone("x-1", ReasonKind::recycled), "start x-4");
}

TEST(PoolRestart, StartingWorkersOfTheOldDefinitionStopAtOnce) {
  World world(spec_of(2, 4, 0));
  world.ready("x-1");
  EXPECT_EQ(world.step(Restart{}), "stop x-2 recycled; start x-3; start x-4");
}

TEST(PoolRestart, NewSessionsPreferNewWorkersThenOldOnes) {
  World world(spec_of(2, 4, 0));
  world.settle();
  world.step(Restart{});
  EXPECT_EQ(world.acquire(1, "ann"), "grant 1 ann x-1 new");
  world.ready("x-3");
  EXPECT_EQ(world.acquire(2, "bob"), "grant 2 bob x-3 new");
}

TEST(PoolReload, DefinitionThatNeedsNoRecycleLeavesWorkersAlone) {
  World world(spec_of(2, 4, 0));
  world.settle();
  EXPECT_EQ(world.step(Configure{spec_of(2, 5, 0)}), "");
  EXPECT_EQ(world.workers(), "x-1 idle, x-2 idle");
  EXPECT_EQ(world.pool().view().max, 5);
}

TEST(PoolReload, RecycleReplacesEveryWorkerOfTheOldDefinition) {
  World world(spec_of(2, 4, 0));
  world.settle();
  world.step(Configure{spec_of(2, 4, 0), true});
  world.settle();
  EXPECT_EQ(world.workers(), "x-3 idle, x-4 idle");
  EXPECT_EQ(world.emitted("pool_settled"), 1);
}

TEST(PoolReload, NewOnesThatNeverGetReadyLeaveThePoolOnTheOldDefinitionAndStatusSaysWhy) {
  World world(spec_of(2, 4, 0));
  world.settle();
  world.step(Configure{spec_of(2, 4, 0), true});
  int told = 0;
  for (int failure = 0; failure < 5; ++failure) {
    for (const WorkerView& worker : world.pool().workers())
      if (worker.state == WorkerState::starting) world.gone(worker.id, ReasonKind::ready_timeout);
    told += world.emitted("pool_recycle_failed");
    EXPECT_NE(world.pool().view().reason.find("generation 2 do not get ready"), std::string::npos);
    world.wait(2s);
  }
  EXPECT_EQ(told, 1);
  EXPECT_EQ(world.workers(), "x-1 idle, x-2 idle");
  EXPECT_EQ(world.pool().view().state, PoolState::running);
  EXPECT_NE(world.pool().view().reason.find("did not become ready in time"), std::string::npos);
  EXPECT_EQ(world.wait(1h), "");  // the burst is used up: nothing more is tried
  EXPECT_EQ(world.acquire(1, "ann"), "grant 1 ann x-1 new");
  EXPECT_EQ(world.step(Resume{}), "start x-8");
  EXPECT_EQ(world.pool().view().reason, "");
}

TEST(PoolReload, OnceTheOldWorkersAreGoneAnExhaustedPoolFails) {
  auto spec = spec_of(1, 4, 0);
  spec.restart.burst = 1;
  World world(spec);
  world.settle();
  world.step(Configure{spec, true});
  world.gone("x-2", ReasonKind::setup_failed);
  EXPECT_EQ(world.acquire(1, "ann"), "grant 1 ann x-1 new");
  EXPECT_EQ(world.acquire(2, "bob"), "");
  EXPECT_EQ(world.step(Release{"ann"}),
            "released ann yes; stop x-1 session_ended(released); deny 2 pool_failed");
  EXPECT_EQ(world.pool().view().state, PoolState::failed);
}

TEST(PoolReload, CrashesOfOldWorkersDoNotSlowTheNewDefinitionDown) {
  World world(spec_of(2, 4, 0));
  world.settle();
  world.step(Configure{spec_of(2, 4, 0), true});
  EXPECT_EQ(world.gone("x-1"), "start x-4");
  EXPECT_EQ(world.pool().view().consecutive_failures, 0);
}

}  // namespace
}  // namespace herd::pool
