// A worker's environment: exactly the contract's (design, section 8), whatever the daemon's own is.
#include <algorithm>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

const std::vector<std::string> kForeign{"LD_LIBRARY_PATH=/tmp",
                                        "AWS_SECRET_ACCESS_KEY=token",
                                        "HERD_SECCOMP_PROFILE=off",
                                        "HERD_SECCOMP_FD=9",
                                        "LISTEN_FDS=3",
                                        "LISTEN_PID=1",
                                        "WATCHDOG_USEC=30000000",
                                        "PORT=80",
                                        "BASH_ENV=/tmp/x",
                                        "INVOCATION_ID=0123456789ab",
                                        "PASSED_ON=yes"};

struct Case {
  std::string name, listen;
  Json sandbox;
  std::vector<std::string> added;  // beside the ones that all have
};

void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

class Environment : public DaemonTest, public ::testing::WithParamInterface<Case> {
 protected:
  TestDaemon foreign_{{.environment = kForeign}};
};

/// With the values that differ from worker to worker replaced by what they should be.
std::vector<std::string> expected(const Case& one, const Json& worker) {
  std::vector<std::string> all{"GREETING=hello a",
                               "HERD_POOL=a",
                               "PASSED_ON=yes",
                               "HERD_WORKER_ID=" + worker.at("id").get<std::string>(),
                               "HOME=/tmp",
                               "NOTIFY_SOCKET=/run/herd/notify",
                               "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                               "TMPDIR=/tmp"};
  all.insert(all.end(), one.added.begin(), one.added.end());
  if (one.listen == "port") {
    const std::string address = worker.at("address");
    all.push_back("PORT=" + address.substr(address.rfind(':') + 1));
  }
  std::ranges::sort(all);
  return all;
}

// Pitfall 40.
TEST_P(Environment, IsExactlyTheContracts) {
  const Case& one = GetParam();
  Json pool = testee_pool({"print-env"}, {{"listen", one.listen}, {"ready", {{"notify", true}}}});
  pool["environment"] = {{"GREETING", "hello ${POOL}"}};
  pool["pass_environment"] = {"PASSED_ON"};
  pool["sandbox"].merge_patch(one.sandbox);
  foreign_.write_pool("a", pool);
  foreign_.start();
  const Json worker = foreign_.wait_until_ready("a");
  const Json line = foreign_.wait_for_line(worker.at("id"), [](const Json&) { return true; });
  auto found = Json::parse(line.at("text").get<std::string>()).get<std::vector<std::string>>();
  std::ranges::sort(found);
  EXPECT_EQ(found, expected(one, worker));
  foreign_.stop();
}

const std::vector<std::string> kListener{"LISTEN_FDNAMES=herd", "LISTEN_FDS=1", "LISTEN_PID=2"};

std::vector<std::string> with_listener(std::vector<std::string> more) {
  more.insert(more.end(), kListener.begin(), kListener.end());
  return more;
}

// Each policy once, each kind of listener once, the filter's fd where the worker enters by itself.
const Case kCases[] = {
    {"UnixEnterWorker", "unix", Json::object(),
     with_listener({"HERD_SECCOMP_PROFILE=errno", "HERD_SECCOMP_FD=4"})},
    {"TcpEnterExec",
     "tcp",
     {{"seccomp", {{"enter", "exec"}}}},
     with_listener({"HERD_SECCOMP_PROFILE=errno"})},
    {"NoneNotify",
     "none",
     {{"seccomp", {{"denials", "notify"}}}},
     {"HERD_SECCOMP_PROFILE=errno", "HERD_SECCOMP_FD=3", "HERD_SECCOMP_DENIALS=notify"}},
    {"PortKill", "port", {{"seccomp", "kill"}}, {"HERD_SECCOMP_PROFILE=kill", "HERD_SECCOMP_FD=3"}},
    {"NoneOff", "none", {{"seccomp", "off"}}, {"HERD_SECCOMP_PROFILE=off"}},
    {"NoneLog", "none", {{"seccomp", "log"}}, {"HERD_SECCOMP_PROFILE=log", "HERD_SECCOMP_FD=3"}},
};
INSTANTIATE_TEST_SUITE_P(All, Environment, ::testing::ValuesIn(kCases),
                         [](const auto& one) { return one.param.name; });

using EnvironmentChecks = DaemonTest;

// Pitfall 26.
TEST_F(EnvironmentChecks, TheSandboxsNamesCannotBeGivenInAPoolFile) {
  for (const char* name :
       {"HERD_SECCOMP_PROFILE", "HERD_SECCOMP_FD", "LISTEN_FDS", "NOTIFY_SOCKET", "PORT"}) {
    TestDaemon daemon;
    daemon.write_pool("a", testee_pool({"serve"}, {{"environment", {{name, "off"}}}}));
    EXPECT_EQ(daemon.check(), 3) << name;
    EXPECT_NE(daemon.log().find("/environment/" + std::string(name)), std::string::npos) << daemon.log();
    EXPECT_NE(daemon.start_in_vain(), 0) << name;
  }
}

}  // namespace
}  // namespace herd::test
