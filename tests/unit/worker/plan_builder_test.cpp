#include "daemon/worker/plan_builder.hpp"

#include <gmock/gmock.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <set>

#include "tests/unit/worker/web_pool.hpp"

namespace herd::worker {
namespace {

using test::web_pool;
using testing::HasSubstr;

const PlanParts kParts{.worker = "web-7",
                       .auto_uid = 1900000007,
                       .port = {},
                       .has_listener = true,
                       .notify_path_on_host = "/run/herd/workers/web-7.notify"};

launch::Plan plan_of(const config::PoolSpec& spec) {
  auto plan = build_plan(spec, kParts);
  EXPECT_TRUE(plan) << plan.error().message;
  return plan ? std::move(*plan) : launch::Plan{};
}

std::string error_of(const config::PoolSpec& spec) {
  const auto plan = build_plan(spec, kParts);
  EXPECT_FALSE(plan);
  return plan ? "" : plan.error().message;
}

launch::Rlimit limit_of(const launch::Plan& plan, int resource) {
  const auto found = std::ranges::find(plan.rlimits, resource, &launch::Rlimit::resource);
  return found == plan.rlimits.end() ? launch::Rlimit{-1, 0, 0} : *found;
}

TEST(PlanBuilder, ADefaultPoolHasTheWholeSandbox) {
  const launch::Plan plan = plan_of(web_pool());
  EXPECT_EQ(plan.pool, "web");
  EXPECT_EQ(plan.worker, "web-7");
  EXPECT_EQ(plan.argv, (std::vector<std::string>{"/usr/bin/worker", "--id=web-7"}));
  EXPECT_EQ(plan.uid, 1900000007U);
  EXPECT_EQ(plan.gid, 1900000007U);
  EXPECT_TRUE(plan.groups.empty());
  EXPECT_EQ(plan.capabilities, 0U);
  EXPECT_TRUE(plan.no_new_privs);
  EXPECT_EQ(plan.filesystem.tmp_bytes, 64ULL << 20);
  EXPECT_EQ(plan.filesystem.hide, (std::vector<std::string>{"/home", "/root"}));
  EXPECT_EQ(plan.stop_signal, 15);
  EXPECT_EQ(plan.stop_grace_ms, 10'000);
  EXPECT_TRUE(plan.notify);
  EXPECT_FALSE(plan.takes_terminal);
}

TEST(PlanBuilder, EveryNamespaceIsItsOwnSwitch) {
  using enum config::Namespace;
  struct Case {
    config::Namespace one;
    bool launch::Namespaces::*flag;
  };
  const std::vector<Case> cases{{pid, &launch::Namespaces::pid},
                                {mount, &launch::Namespaces::mount},
                                {ipc, &launch::Namespaces::ipc},
                                {uts, &launch::Namespaces::uts},
                                {cgroup, &launch::Namespaces::cgroup}};
  for (const Case& wanted : cases) {
    config::PoolSpec spec = web_pool();
    EXPECT_TRUE(plan_of(spec).namespaces.*wanted.flag);
    spec.sandbox.namespaces = {wanted.one};
    const launch::Namespaces found = plan_of(spec).namespaces;
    for (const Case& other : cases) EXPECT_EQ(found.*other.flag, other.one == wanted.one);
  }
}

TEST(PlanBuilder, TheNetworkIsTheHostsOrItsOwn) {
  using enum config::Network;
  struct Case {
    config::Network network;
    bool is_own, is_up;
  };
  for (const auto& [network, is_own, is_up] :
       {Case{host, false, false}, Case{none, true, false}, Case{loopback, true, true}}) {
    config::PoolSpec spec = web_pool();
    spec.sandbox.network = network;
    const launch::Namespaces found = plan_of(spec).namespaces;
    EXPECT_EQ(found.network, is_own);
    EXPECT_EQ(found.loopback_up, is_up);
  }
}

TEST(PlanBuilder, ARelayLeadsToAPortInANetworkOfTheWorkersOwn) {
  using enum config::Network;
  for (const auto network : {host, loopback}) {
    config::PoolSpec spec = web_pool();
    spec.listen = config::Listen::port;
    spec.sandbox.network = network;
    PlanParts parts;
    parts.worker = "web-7";
    parts.auto_uid = 1900000007;
    parts.port = 8080;
    const auto plan = build_plan(spec, parts);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(plan->relay_port, network == host ? 0 : 8080);
    EXPECT_THAT(plan->environment, testing::Contains("PORT=8080"));
  }
}

// Pitfall 41: what has no row here would be inherited from the daemon.
TEST(PlanBuilder, EveryRlimitOfTheKernelIsSetOnce) {
  std::set<int> resources;
  for (const launch::Rlimit& limit : plan_of(web_pool()).rlimits) {
    EXPECT_TRUE(resources.insert(limit.resource).second) << limit.resource;
    EXPECT_EQ(limit.soft, limit.hard) << limit.resource;
  }
  EXPECT_EQ(resources.size(), static_cast<std::size_t>(RLIM_NLIMITS));
  EXPECT_EQ(*resources.begin(), 0);
  EXPECT_EQ(*resources.rbegin(), RLIM_NLIMITS - 1);
}

TEST(PlanBuilder, OpenFilesAreThePoolFiles) {
  config::PoolSpec spec = web_pool();
  spec.limits.open_files = 64;
  EXPECT_EQ(limit_of(plan_of(spec), RLIMIT_NOFILE).hard, 64U);
}

TEST(PlanBuilder, ALimitAboveTheDaemonsOwnIsRefusedByName) {
  rlimit own{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &own), 0);
  ASSERT_LT(own.rlim_max, static_cast<rlim_t>(std::numeric_limits<int>::max()));
  config::PoolSpec spec = web_pool();
  spec.limits.open_files = static_cast<int>(own.rlim_max);
  EXPECT_EQ(limit_of(plan_of(spec), RLIMIT_NOFILE).hard, own.rlim_max);
  spec.limits.open_files = static_cast<int>(own.rlim_max) + 1;
  EXPECT_THAT(error_of(spec), HasSubstr("limits.open_files is above the daemon's own hard limit of " +
                                        std::to_string(own.rlim_max)));
}

// Pitfall 35: 0 would still start the program of a piped core_pattern.
TEST(PlanBuilder, NoCoreIsOneByte) {
  rlimit own{};
  ASSERT_EQ(getrlimit(RLIMIT_CORE, &own), 0);
  if (own.rlim_max == 0) GTEST_SKIP() << "the test's own hard limit of core files is 0";
  const launch::Rlimit limit = limit_of(plan_of(web_pool()), RLIMIT_CORE);
  EXPECT_EQ(limit.soft, 1U);
  EXPECT_EQ(limit.hard, 1U);
}

/// In a child, as a hard limit can't be raised again: tells on stderr, and by its exit code whether there is
/// a plan.
[[noreturn]] void plan_without_core_limit(bool is_required) {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  std::vector<std::string> left_out;
  const auto plan = build_plan(web_pool(), kParts, is_required ? nullptr : &left_out);
  std::cerr << (plan ? testing::PrintToString(left_out) : plan.error().message);
  std::exit(plan ? 0 : 1);
}

// Pitfall 35: it was 0 then, silently.
TEST(PlanBuilder, WithoutAByteOfCoreThereIsNoPlanUnlessThePoolFileSaysSo) {
  EXPECT_EXIT(plan_without_core_limit(true), testing::ExitedWithCode(1), "^limits.core: .*LimitCORE=");
  EXPECT_EXIT(plan_without_core_limit(false), testing::ExitedWithCode(0), "limits.core: .*LimitCORE=");
}

TEST(PlanBuilder, TheFilterIsInstalledByHerdExecOnlyWhereThePoolSaysSo) {
  using enum config::SeccompPolicy;
  for (const auto policy : {off, log, errno_, kill}) {
    config::PoolSpec spec = web_pool();
    spec.sandbox.seccomp.policy = policy;
    spec.sandbox.seccomp.enter = config::SeccompEnter::exec;
    EXPECT_EQ(plan_of(spec).seccomp_at_exec, policy != off);
    spec.sandbox.seccomp.enter = config::SeccompEnter::worker;
    EXPECT_FALSE(plan_of(spec).seccomp_at_exec);
  }
}

TEST(PlanBuilder, DenialsThatDoNotKillAreLogged) {
  using enum config::SeccompPolicy;
  for (const auto policy : {off, log, errno_, kill}) {
    config::PoolSpec spec = web_pool();
    spec.sandbox.seccomp.policy = policy;
    EXPECT_EQ(plan_of(spec).seccomp_logs, policy == log || policy == errno_);
  }
}

TEST(PlanBuilder, CapabilitiesAreBitsByName) {
  config::PoolSpec spec = web_pool();
  spec.sandbox.capabilities = {"CAP_NET_BIND_SERVICE", "CAP_CHOWN"};
  EXPECT_EQ(plan_of(spec).capabilities, 1ULL << CAP_NET_BIND_SERVICE | 1ULL << CAP_CHOWN);
  spec.sandbox.capabilities = {"CAP_EVERYTHING"};
  EXPECT_EQ(error_of(spec), "sandbox.capabilities: unknown 'CAP_EVERYTHING'");
}

TEST(PlanBuilder, ANamedUserBringsItsGroups) {
  const passwd* daemon = getpwnam("daemon");
  ASSERT_NE(daemon, nullptr);
  config::PoolSpec spec = web_pool();
  spec.sandbox.user = "daemon";
  const launch::Plan plan = plan_of(spec);
  EXPECT_EQ(plan.uid, daemon->pw_uid);
  EXPECT_EQ(plan.gid, daemon->pw_gid);
  EXPECT_THAT(plan.groups, testing::Contains(daemon->pw_gid));
}

TEST(PlanBuilder, NoWorkerIsRootAndNoUserIsMadeUp) {
  config::PoolSpec spec = web_pool();
  spec.sandbox.user = "root";
  EXPECT_EQ(error_of(spec), "sandbox.user 'root' is root, which no worker may be");
  spec.sandbox.user = "no-such-user";
  EXPECT_EQ(error_of(spec), "sandbox.user 'no-such-user': no such user");
}

TEST(PlanBuilder, WithoutAMountNamespaceTheNotifySocketIsTheHosts) {
  config::PoolSpec spec = web_pool();
  EXPECT_EQ(plan_of(spec).notify_path, "/run/herd/notify");
  spec.sandbox.namespaces = {config::Namespace::pid};
  EXPECT_EQ(plan_of(spec).notify_path, kParts.notify_path_on_host);
}

TEST(PlanBuilder, WeakeningIsCarriedOver) {
  config::PoolSpec spec = web_pool();
  spec.sandbox.no_new_privs = false;
  spec.sandbox.filesystem.tmp.reset();
  spec.sandbox.filesystem.writable = {"/srv/data"};
  const launch::Plan plan = plan_of(spec);
  EXPECT_FALSE(plan.no_new_privs);
  EXPECT_FALSE(plan.filesystem.tmp_bytes);
  EXPECT_EQ(plan.filesystem.writable, std::vector<std::string>{"/srv/data"});
}

}  // namespace
}  // namespace herd::worker
