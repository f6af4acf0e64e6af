// What each field of a pool file takes and refuses by itself.
#include "tests/unit/config/support.hpp"

namespace herd::config::testing {
namespace {

using ::testing::ElementsAre;

constexpr const char* kMin = "found %, expected a whole number from 0 to 10000";

std::string found(const std::string& value) {
  return std::string(kMin).replace(6, 1, value);
}

TEST(BadValue, keys) {
  expect_members_refused(
      {Bad{R"("worker": {})", "/worker", R"(unknown key "worker"; did you mean "workers"?)"},
       Bad{R"("workers": {"mx": 1})", "/workers/mx", R"(did you mean "max"?)"},
       Bad{R"("workers": {"banana": 1})", "/workers/banana",
           R"(expected "min", "max", "spare" or "start_concurrency")"},
       Bad{R"("sandbox": {"filesystem": {"hidden": []}})", "/sandbox/filesystem/hidden",
           R"(did you mean "hide"?)"},
       Bad{R"("gateway": {"prefix": "/x/", "session": {"cokie": "a"}})", "/gateway/session/cokie",
           R"(did you mean "cookie"?)"},
       Bad{R"("gateway": {"prefix": "/x/", "session": {"cookie": "a", "path": true}})", "/gateway/session",
           R"(found "cookie", "path", expected exactly one of)"},
       Bad{R"("gateway": {"prefix": "/x/", "session": {"path": false}})", "/gateway/session/path",
           "leave this key out"},
       Bad{R"("gateway": {"prefix": "/x/", "session": {"issue": true}})", "/gateway/session/issue",
           R"(only a "cookie" can be issued)"},
       Bad{R"("gateway": {"host": "X.org:80"})", "/gateway/host", "in lower case, without a port"},
       Bad{R"("listen": "unix", "listen": "tcp")", "/listen", "given twice"},
       Bad{R"("gateway": {})", "/gateway/prefix", R"("prefix" is missing)"},
       Bad{R"("health": {"interval": "5s"})", "/health/http", R"("http" is missing)"}});
}

TEST(BadValue, types) {
  expect_members_refused(
      {Bad{R"("workers": [])", "/workers", "found a list, expected an object"},
       Bad{R"("workers": null)", "/workers", "found null, expected an object"},
       Bad{R"("workers": {"min": "1"})", "/workers/min", found("\"1\"")},
       Bad{R"("workers": {"min": true})", "/workers/min", found("true")},
       Bad{R"("workers": {"min": {}})", "/workers/min", found("an object")},
       Bad{R"("sessions": {"reuse": 0})", "/sessions/reuse", "found 0, expected true or false"},
       Bad{R"("sessions": {"reuse": "true"})", "/sessions/reuse", "found \"true\", expected true or false"},
       Bad{R"("environment": [])", "/environment", "found a list, expected an object"},
       Bad{R"("environment": {"A": 1})", "/environment/A", "found 1, expected a string"},
       Bad{R"("pass_environment": "PATH")", "/pass_environment", "found \"PATH\", expected a list"},
       Bad{R"("clients": {"users": [1]})", "/clients/users/0", "found 1, expected a name"},
       Bad{R"("limits": {"cpu": "0.5"})", "/limits/cpu", "found \"0.5\", expected a number"},
       Bad{R"("health": "on")", "/health", "found \"on\", expected an object or \"off\""},
       Bad{R"("health": false)", "/health", "the word for none is \"off\""},
       Bad{R"("sandbox": {"seccomp": false})", "/sandbox/seccomp", "the word for none is \"off\""},
       Bad{R"("sandbox": {"seccomp": "of"})", "/sandbox/seccomp", "did you mean \"off\"?"}});
}

TEST(BadValue, numbers) {
  expect_members_refused(
      {Bad{R"("workers": {"min": -1})", "/workers/min", found("-1")},
       Bad{R"("workers": {"min": 1.5})", "/workers/min", found("1.5")},
       Bad{R"("workers": {"min": 1.0})", "/workers/min", found("1.0")},
       Bad{R"("workers": {"min": 1e2})", "/workers/min", found("1e2")},
       Bad{R"("workers": {"min": 10001})", "/workers/min", found("10001")},
       Bad{R"("workers": {"min": 4294967297})", "/workers/min", found("4294967297")},
       Bad{R"("workers": {"min": 18446744073709551617})", "/workers/min", found("18446744073709551617")},
       Bad{R"("workers": {"max": 0})", "/workers/max", "found 0, expected a whole number from 1"},
       Bad{R"("limits": {"cpu": 0})", "/limits/cpu", "the word for none is \"off\""},
       Bad{R"("limits": {"cpu": -0.5})", "/limits/cpu", "found -0.5, expected a number from 0.01 to 4096"},
       Bad{R"("limits": {"cpu": 1e300})", "/limits/cpu", "found 1e300, expected a number"},
       Bad{R"("limits": {"pids": 0})", "/limits/pids", "the word for none is \"off\""},
       Bad{R"("limits": {"pids": 4194305})", "/limits/pids", "from 1 to 4194304"},
       Bad{R"("limits": {"open_files": 2})", "/limits/open_files", "from 3 to 1048576"},
       Bad{R"("limits": {"open_files": "off"})", "/limits/open_files", "this can't be turned off"}});
}

TEST(BadValue, durations_and_sizes) {
  expect_members_refused(
      {Bad{R"("sessions": {"idle_timeout": "5 minutes"})", "/sessions/idle_timeout",
           R"(found "5 minutes", expected a duration such as "250ms", "5s", "2m" or "1h")"},
       Bad{R"("sessions": {"idle_timeout": 300})", "/sessions/idle_timeout",
           "found 300, expected a duration"},
       Bad{R"("sessions": {"idle_timeout": "0"})", "/sessions/idle_timeout", "the word for none is \"off\""},
       Bad{R"("sessions": {"idle_timeout": "0s"})", "/sessions/idle_timeout", "the word for none is \"off\""},
       Bad{R"("sessions": {"idle_timeout": 0})", "/sessions/idle_timeout", "the word for none is \"off\""},
       Bad{R"("sessions": {"idle_timeout": null})", "/sessions/idle_timeout", "the word for none is \"off\""},
       Bad{R"("sessions": {"idle_timeout": "-5s"})", "/sessions/idle_timeout", "found \"-5s\""},
       Bad{R"("sessions": {"idle_timeout": "OFF"})", "/sessions/idle_timeout", "or \"off\""},
       Bad{R"("sessions": {"acquire_timeout": "0s"})", "/sessions/acquire_timeout", "from \"1ms\""},
       Bad{R"("sessions": {"acquire_timeout": "off"})", "/sessions/acquire_timeout",
           "this can't be turned off"},
       Bad{R"("sessions": {"acquire_timeout": "366d"})", "/sessions/acquire_timeout", "to \"365d\""},
       Bad{R"("sessions": {"acquire_timeout": "99999999999999999999s"})", "/sessions/acquire_timeout",
           "found"},
       Bad{R"("limits": {"memory": 268435456})", "/limits/memory", "expected a size such as"},
       Bad{R"("limits": {"memory": "256MB"})", "/limits/memory", "found \"256MB\", expected a size such as"},
       Bad{R"("limits": {"memory": "0B"})", "/limits/memory", "the word for none is \"off\""},
       Bad{R"("limits": {"memory": "99999999999TiB"})", "/limits/memory", "expected a size"},
       Bad{R"("limits": {"core": "off"})", "/limits/core", "this can't be turned off"}});
}

TEST(BadValue, words) {
  expect_members_refused(
      {Bad{R"("listen": "unx")", "/listen",
           R"(expected "unix", "tcp", "port" or "none"; did you mean "unix"?)"},
       Bad{R"("listen": "UNIX")", "/listen", "expected \"unix\""},
       Bad{R"("sessions": {"lease": "conection"})", "/sessions/lease", "did you mean \"connection\"?"},
       Bad{R"("stop": {"signal": 15})", "/stop/signal", "found 15, expected \"SIGTERM\""},
       Bad{R"("stop": {"signal": "TERM"})", "/stop/signal", "found \"TERM\", expected \"SIGTERM\""},
       Bad{R"("stop": {"signal": "SIGSTOP"})", "/stop/signal", "found \"SIGSTOP\""},
       Bad{R"("sandbox": {"namespaces": ["pid", "net"]})", "/sandbox/namespaces/1",
           "expected \"pid\", \"mount\""},
       Bad{R"("sandbox": {"namespaces": ["pid", "pid"]})", "/sandbox/namespaces/1", "\"pid\" is given twice"},
       Bad{R"("sandbox": {"capabilities": ["CAP_NET_BIND_SERVIC"]})", "/sandbox/capabilities/0",
           "did you mean \"CAP_NET_BIND_SERVICE\"?"},
       Bad{R"("sandbox": {"capabilities": ["10"]})", "/sandbox/capabilities/0", "the name of a capability"},
       Bad{R"("sandbox": {"capabilities": ["CAP_CHOWN", "CAP_CHOWN"]})", "/sandbox/capabilities/1",
           "given twice"},
       Bad{R"("sandbox": {"seccomp": {"policy": "deny"}})", "/sandbox/seccomp/policy",
           "\"off\", \"log\", \"errno\" or \"kill\""},
       Bad{R"("ready": {"notify": false})", "/ready/notify", "leave this key out"},
       Bad{R"("ready": {"started": 1})", "/ready/started", "found 1, expected true"}});
}

TEST(BadValue, text) {
  expect_members_refused(
      {Bad{R"("working_directory": "srv")", "/working_directory", "an absolute path"},
       Bad{R"("working_directory": "/srv\u0000x")", "/working_directory", "an absolute path"},
       Bad{R"("environment": {"1A": ""})", "/environment/1A", "the name of an environment variable"},
       Bad{R"("environment": {"": ""})", "/environment/", "the name of an environment variable"},
       Bad{R"("environment": {"A=B": ""})", "/environment/A=B", "the name of an environment variable"},
       Bad{R"("environment": {"A": "x\u0000y"})", "/environment/A", "without NUL"},
       Bad{R"("pass_environment": ["A B"])", "/pass_environment/0", "the name of an environment variable"},
       Bad{R"("pass_environment": ["A", "A"])", "/pass_environment/1", "given twice"},
       Bad{R"("sandbox": {"filesystem": {"hide": ["home"]}})", "/sandbox/filesystem/hide/0",
           "an absolute path below"},
       Bad{R"("sandbox": {"filesystem": {"hide": ["/a/../b"]}})", "/sandbox/filesystem/hide/0", "without"},
       Bad{R"("sandbox": {"filesystem": {"hide": ["/a//b"]}})", "/sandbox/filesystem/hide/0", "without"},
       Bad{R"("sandbox": {"filesystem": {"hide": ["/a", "/a"]}})", "/sandbox/filesystem/hide/1",
           "given twice"},
       Bad{R"("sandbox": {"filesystem": {"read_only": ["/a/"]}})", "/sandbox/filesystem/read_only/0",
           "without"},
       Bad{R"("sandbox": {"filesystem": {"writable": ["/"]}})", "/sandbox/filesystem/writable/0",
           "below \"/\""},
       Bad{R"("ready": {"http": "health"})", "/ready/http", "begins with \"/\""},
       Bad{R"("ready": {"http": "/a b"})", "/ready/http", "without spaces"},
       Bad{R"("health": {"http": "/a\r\nX: y"})", "/health/http", "without spaces"},
       Bad{R"("gateway": {"prefix": "x/"})", "/gateway/prefix", "begins and ends with \"/\""},
       Bad{R"("gateway": {"prefix": "/x"})", "/gateway/prefix", "begins and ends with \"/\""},
       Bad{R"("gateway": {"prefix": "/x/../y/"})", "/gateway/prefix", "begins and ends with \"/\""},
       Bad{R"("gateway": {"prefix": "/x/", "session": {"header": "X: y"}})", "/gateway/session/header",
           "HTTP header"}});
}

TEST(PoolValues, off_reads_where_it_is_allowed) {
  const PoolSpec spec = good(pool_with(
      R"("sessions": {"idle_timeout": "off"}, "limits": {"memory": "off", "swap": "off", "cpu": "off", "pids": "off"},
         "sandbox": {"filesystem": {"tmp": "off"}, "seccomp": "off"}, "health": "off")"));
  EXPECT_EQ(spec.sessions.idle_timeout, std::nullopt);
  EXPECT_EQ(spec.limits.memory, std::nullopt);
  EXPECT_EQ(spec.limits.swap, std::nullopt);
  EXPECT_EQ(spec.limits.cpu, std::nullopt);
  EXPECT_EQ(spec.limits.pids, std::nullopt);
  EXPECT_EQ(spec.sandbox.filesystem.tmp, std::nullopt);
  EXPECT_EQ(spec.sandbox.seccomp.policy, SeccompPolicy::off);
  EXPECT_EQ(spec.health, std::nullopt);
}

TEST(PoolValues, values_arrive) {
  const PoolSpec spec = good(pool_with(
      R"("workers": {"min": 0, "max": 10000, "spare": 3}, "sessions": {"lease": "connection", "idle_timeout": "250ms"},
         "listen": "tcp", "health": {"http": "/ok", "failures": 7}, "stop": {"signal": "SIGINT", "grace": "1ms"},
         "recycle": {"sessions": 9, "age": "1d", "memory": "1GiB"}, "limits": {"cpu": 2, "memory": "2GiB"},
         "sandbox": {"user": "alice", "namespaces": ["pid"], "network": "loopback", "capabilities": ["CAP_CHOWN"],
                     "seccomp": "kill", "required": false},
         "environment": {"PATH": "/bin", "HOME": "/x", "TMPDIR": "/y", "EMPTY": ""}, "pass_environment": ["LANG"])"));
  EXPECT_EQ(spec.workers.max, 10'000);
  EXPECT_EQ(spec.sessions.lease, Lease::connection);
  EXPECT_EQ(spec.sessions.idle_timeout, 250ms);
  EXPECT_EQ(spec.listen, Listen::tcp);
  ASSERT_TRUE(spec.health.has_value());
  EXPECT_EQ(spec.health->failures, 7);
  EXPECT_EQ(spec.health->interval, 5s);
  EXPECT_EQ(spec.stop.signal, SIGINT);
  EXPECT_EQ(spec.recycle.age, 24h);
  EXPECT_EQ(spec.recycle.sessions, 9);
  EXPECT_EQ(spec.recycle.memory, gib(1));
  EXPECT_EQ(spec.limits.cpu, 2.0);
  EXPECT_EQ(spec.sandbox.user, "alice");
  EXPECT_THAT(spec.sandbox.namespaces, ElementsAre(Namespace::pid));
  EXPECT_EQ(spec.sandbox.network, Network::loopback);
  EXPECT_EQ(spec.sandbox.seccomp,
            (SeccompSpec{.policy = SeccompPolicy::kill, .enter = SeccompEnter::worker}));
  EXPECT_FALSE(spec.sandbox.required);
  EXPECT_EQ(spec.environment.at("HOME"), "/x");
  EXPECT_EQ(spec.environment.at("EMPTY"), "");
}

TEST(PoolValues, all_issues_of_a_file_come_at_once_in_the_order_of_its_lines) {
  const auto issues =
      issues_of(read("{\n\"command\": [\"/bin/true\"],\n\"limits\": {\"memory\": 1,\n\"cpu\": "
                     "-1},\n\"bogus\": 1,\n\"workers\": {\"min\": 5, \"max\": 2}\n}"));
  ASSERT_EQ(issues.size(), 4u);
  EXPECT_EQ(to_text(issues[0]).substr(0, 27), "web.json:3: /limits/memory:");
  EXPECT_EQ(to_text(issues[1]).substr(0, 24), "web.json:4: /limits/cpu:");
  EXPECT_EQ(to_text(issues[2]).substr(0, 19), "web.json:5: /bogus:");
  EXPECT_EQ(to_text(issues[3]),
            "web.json:6: /workers/min: /workers/min may not be more than /workers/max: 5 and 2");
}

TEST(PoolValues, a_document_that_is_no_object_is_refused) {
  EXPECT_THAT(issues_of(read("[]")), ::testing::Contains(issue_at("", "found a list, expected an object")));
}

}  // namespace
}  // namespace herd::config::testing
