// A worker's environment is exactly the contract's (design: a worker's environment) and its pool file's.
#include <gmock/gmock.h>

#include <array>
#include <cstdlib>

#include "daemon/worker/plan_builder.hpp"
#include "tests/unit/worker/web_pool.hpp"

namespace herd::worker {
namespace {

using test::web_pool;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::StartsWith;

constexpr const char* kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::vector<std::string> environment_of(const config::PoolSpec& spec, PlanParts parts) {
  parts.auto_uid = 5;
  const auto plan = build_plan(spec, parts);
  EXPECT_TRUE(plan) << plan.error().message;
  return plan ? plan->environment : std::vector<std::string>{};
}

// LISTEN_PID, HERD_SECCOMP_FD and NOTIFY_SOCKET are herd-exec's to add: only it knows them.
TEST(WorkerEnvironment, WithASocketThatIsHandedOver) {
  EXPECT_THAT(
      environment_of(web_pool(), {.worker = "web-7", .auto_uid = 5, .port = {}, .has_listener = true}),
      ElementsAre("HERD_POOL=web", "HERD_SECCOMP_PROFILE=errno", "HERD_WORKER_ID=web-7", "HOME=/tmp",
                  "LISTEN_FDNAMES=herd", "LISTEN_FDS=1", kPath, "TMPDIR=/tmp"));
}

TEST(WorkerEnvironment, WithAPortThatItBindsItself) {
  EXPECT_THAT(environment_of(web_pool(), {.worker = "web-7", .auto_uid = 5, .port = 8080}),
              ElementsAre("HERD_POOL=web", "HERD_SECCOMP_PROFILE=errno", "HERD_WORKER_ID=web-7", "HOME=/tmp",
                          kPath, "PORT=8080", "TMPDIR=/tmp"));
}

TEST(WorkerEnvironment, WithoutAnythingToListenOn) {
  EXPECT_THAT(environment_of(web_pool(), {.worker = "web-7", .auto_uid = 5}),
              ElementsAre("HERD_POOL=web", "HERD_SECCOMP_PROFILE=errno", "HERD_WORKER_ID=web-7", "HOME=/tmp",
                          kPath, "TMPDIR=/tmp"));
}

TEST(WorkerEnvironment, AlwaysSaysThePolicy) {
  using enum config::SeccompPolicy;
  for (const auto& [policy, word] :
       {std::pair(off, "off"), std::pair(log, "log"), std::pair(errno_, "errno"), std::pair(kill, "kill")}) {
    config::PoolSpec spec = web_pool();
    spec.sandbox.seccomp.policy = policy;
    EXPECT_THAT(environment_of(spec, {.worker = "web-7"}),
                Contains("HERD_SECCOMP_PROFILE=" + std::string(word)));
  }
}

TEST(WorkerEnvironment, AsksForTheListenerOfAFilterThatTheWorkerInstalls) {
  config::PoolSpec spec = web_pool();
  spec.sandbox.seccomp.denials = seccomp::Denials::notify;
  EXPECT_THAT(environment_of(spec, {.worker = "web-7"}), Contains("HERD_SECCOMP_DENIALS=notify"));
  spec.sandbox.seccomp.enter = config::SeccompEnter::exec;
  EXPECT_THAT(environment_of(spec, {.worker = "web-7"}), Not(Contains(StartsWith("HERD_SECCOMP_DENIALS"))));
}

// Pitfall 40.
TEST(WorkerEnvironment, HasNothingOfTheDaemonsOwn) {
  setenv("LD_PRELOAD", "/tmp/evil.so", 1);
  setenv("SECRET_TOKEN", "x", 1);
  const auto environment = environment_of(web_pool(), {.worker = "web-7"});
  unsetenv("LD_PRELOAD");
  unsetenv("SECRET_TOKEN");
  EXPECT_EQ(environment.size(), 6U);
  EXPECT_THAT(environment, Not(Contains(StartsWith("LD_PRELOAD="))));
}

TEST(WorkerEnvironment, TakesFromTheDaemonsWhatThePoolFileNames) {
  setenv("ZONE_TEST_ZONE", "utc", 1);
  config::PoolSpec spec = web_pool();
  spec.pass_environment = {"ZONE_TEST_ZONE", "ZONE_TEST_NOT_SET"};
  const auto environment = environment_of(spec, {.worker = "web-7"});
  unsetenv("ZONE_TEST_ZONE");
  EXPECT_THAT(environment, Contains("ZONE_TEST_ZONE=utc"));
  EXPECT_THAT(environment, Not(Contains(StartsWith("ZONE_TEST_NOT_SET"))));
}

TEST(WorkerEnvironment, HasThePoolFilesOwnWithTheirVariablesExpanded) {
  config::PoolSpec spec = web_pool();
  spec.environment = {
      {"URL", "http://127.0.0.1:${PORT}/${POOL}/${WORKER_ID}"}, {"EMPTY", ""}, {"HOME", "/srv"}};
  const auto environment = environment_of(spec, {.worker = "web-7", .auto_uid = 5, .port = 8080});
  EXPECT_THAT(environment, Contains("URL=http://127.0.0.1:8080/web/web-7"));
  EXPECT_THAT(environment, Contains("EMPTY="));
  EXPECT_THAT(environment, Contains("HOME=/srv"));
  EXPECT_THAT(environment, Not(Contains("HOME=/tmp")));
}

// Pitfall 26. The reader refuses such a pool file; a plan must not depend on that alone.
TEST(WorkerEnvironment, ReservedNamesAreHerdsAlone) {
  constexpr std::array kNames{
      "HERD_POOL",  "HERD_WORKER_ID", "HERD_SECCOMP_PROFILE", "HERD_SECCOMP_FD", "HERD_NEW",
      "LISTEN_FDS", "LISTEN_PID",     "LISTEN_FDNAMES",       "NOTIFY_SOCKET",   "PORT"};
  config::PoolSpec spec = web_pool();
  for (const char* name : kNames) {
    spec.environment[name] = "forged";
    spec.pass_environment.emplace_back(name);
    setenv(name, "inherited", 1);
  }
  const auto environment = environment_of(spec, {.worker = "web-7"});
  for (const char* name : kNames) unsetenv(name);
  EXPECT_THAT(environment, ElementsAre("HERD_POOL=web", "HERD_SECCOMP_PROFILE=errno", "HERD_WORKER_ID=web-7",
                                       "HOME=/tmp", kPath, "TMPDIR=/tmp"));
}

TEST(Expand, KnowsThreeVariablesAndLeavesTheRest) {
  const PlanParts parts{.worker = "web-7", .auto_uid = 5, .port = 8080};
  EXPECT_EQ(expand("${PORT}${PORT} ${WORKER_ID} ${POOL}", web_pool(), parts), "80808080 web-7 web");
  EXPECT_EQ(expand("${HOME} $PORT {PORT} ${port} ${", web_pool(), parts), "${HOME} $PORT {PORT} ${port} ${");
  EXPECT_EQ(expand("", web_pool(), parts), "");
}

TEST(Expand, WithoutAPortItsVariableStays) {
  EXPECT_EQ(expand("${PORT}", web_pool(), {.worker = "web-7"}), "${PORT}");
}

}  // namespace
}  // namespace herd::worker
