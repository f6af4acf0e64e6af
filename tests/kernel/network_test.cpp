// The network modes (pitfall 50). herd binds the socket, so a worker without a network is reached all the
// same.
#include <unistd.h>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

class Network : public DaemonTest {
 protected:
  Json report(const std::string& mode, const std::string& listen = "unix") {
    start_with("a", testee_pool({"serve"},
                                {{"listen", listen}, {"sandbox", {{"network", mode}, {"seccomp", "off"}}}}));
    session_ = daemon_.acquire("a", "s");
    return ask(session_.at("address"), "/report");
  }
  [[nodiscard]] bool is_the_hosts() const {
    return namespace_of(session_.at("pid"), "net") == namespace_of(::getpid(), "net");
  }
  Json session_;
};

TEST_F(Network, HostIsTheHosts) {
  const Json one = report("host");
  EXPECT_TRUE(is_the_hosts());
  EXPECT_EQ(one.at("probes").at("loopback"), "ok");
}

TEST_F(Network, NoneHasNothingInIt) {
  const Json one = report("none");
  EXPECT_FALSE(is_the_hosts());
  EXPECT_EQ(one.at("interfaces"), Json::array({"lo"}));
  EXPECT_NE(one.at("probes").at("loopback"), "ok");
}

TEST_F(Network, LoopbackReachesItselfAndNobodyElse) {
  const Json one = report("loopback");
  EXPECT_FALSE(is_the_hosts());
  EXPECT_EQ(one.at("interfaces"), Json::array({"lo"}));
  EXPECT_EQ(one.at("probes").at("loopback"), "ok");
}

TEST_F(Network, ATcpSocketOfTheHostsIsServedFromWithinNone) {
  const Json one = report("none", "tcp");
  EXPECT_TRUE(session_.at("address").get<std::string>().starts_with("tcp:127.0.0.1:"));
  EXPECT_FALSE(is_the_hosts());
  EXPECT_EQ(one.at("interfaces"), Json::array({"lo"}));
}

TEST_F(Network, TwoWorkersWithTheirOwnHaveDifferentOnes) {
  Json pool = testee_pool({"serve"}, {{"sandbox", {{"network", "loopback"}}}});
  pool["workers"] = {{"min", 2}, {"max", 2}, {"spare", 0}};
  start_with("a", pool);
  const pid_t first = daemon_.acquire("a", "first").at("pid"),
              second = daemon_.acquire("a", "second").at("pid");
  for (const char* kind : {"net", "pid", "mnt", "ipc", "uts", "cgroup"})
    EXPECT_NE(namespace_of(first, kind), namespace_of(second, kind)) << kind;
}

}  // namespace
}  // namespace herd::test
