#include "daemon/herdd/gateway_spec.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "common/seccomp/meaning.hpp"

namespace herd::daemon {
namespace {

TEST(GatewaySpec, RoutesAreThoseOfThePoolsThatHaveOne) {
  config::PoolSpec with, without;
  with.name = "with";
  with.gateway.emplace();
  with.gateway->session = {config::SessionPlaceKind::query, "s"};
  const auto settings = gateway_settings({}, {without, with}, "key");
  ASSERT_EQ(settings.routes.size(), 1u);
  EXPECT_EQ(settings.routes[0].pool, "with");
  EXPECT_EQ(settings.routes[0].session.kind, gateway::SessionPlace::Kind::query);
  EXPECT_EQ(settings.routes[0].session.name, "s");
  EXPECT_EQ(settings.cookie_key, "key");
}

TEST(GatewaySpec, ASessionIsToldToRestWellBeforeItsIdleTimeout) {
  config::PoolSpec pool;
  pool.gateway.emplace();
  pool.sessions.idle_timeout = std::chrono::milliseconds(400);
  EXPECT_EQ(gateway_settings({}, {pool}, "").routes[0].hold, std::chrono::milliseconds(100));
  pool.sessions.idle_timeout.reset();
  EXPECT_GT(gateway_settings({}, {pool}, "").routes[0].hold, std::chrono::milliseconds(0));
}

TEST(GatewaySpec, AnAnswerSaysWhatTheDefaultsAre) {
  auto limits = gateway_settings({}, {}, "").limits;
  limits.connections = gateway::Limits{}.connections;  // bounded by the files that this process may have
  EXPECT_TRUE(limits == gateway::Limits{}) << "one default, in both places";
}

std::uint32_t answer_of_filter(int number, std::uint64_t first_argument = 0) {
  seccomp_data call{};
  call.nr = number;
  call.arch = seccomp::audit_arch(seccomp::native_arch());
  call.args[0] = first_argument;
  return seccomp::expected_action(*gateway_pool("/x", {}).sandbox.seccomp.rules.value,
                                  seccomp::Policy::errno_, seccomp::native_arch(), call);
}

TEST(GatewaySpec, ItsFilterLeavesItWhatAProxyDoes) {
  for (const int number :
       {SYS_connect, SYS_accept4, SYS_recvmsg, SYS_sendmsg, SYS_epoll_wait, SYS_memfd_create})
    EXPECT_EQ(answer_of_filter(number), SECCOMP_RET_ALLOW) << number;
  EXPECT_EQ(answer_of_filter(SYS_socket, AF_UNIX), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer_of_filter(SYS_socket, AF_INET), SECCOMP_RET_ALLOW);
}

TEST(GatewaySpec, ItsFilterTakesFilesProgramsAndListenersFromIt) {
  for (const int number : {SYS_openat, SYS_open, SYS_execve, SYS_execveat, SYS_fork, SYS_ptrace, SYS_mount,
                           SYS_bind, SYS_listen, SYS_kill, SYS_unlink, SYS_fchmodat})
    EXPECT_NE(answer_of_filter(number), SECCOMP_RET_ALLOW) << number;
  EXPECT_NE(answer_of_filter(SYS_socket, AF_NETLINK), SECCOMP_RET_ALLOW);
}

}  // namespace
}  // namespace herd::daemon
