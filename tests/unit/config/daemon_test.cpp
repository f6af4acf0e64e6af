// herd.json.
#include "config/daemon_spec.hpp"

#include "tests/unit/config/support.hpp"

namespace herd::config::testing {
namespace {

using ::testing::ElementsAre;

tl::expected<DaemonSpec, std::vector<Issue>> read_herd(const std::string& text) {
  return read_daemon(text, "/etc/herd/herd.json", fake_host());
}

TEST(Daemon, an_empty_file_has_the_contracts_defaults) {
  const auto spec = read_herd("{}");
  ASSERT_TRUE(spec.has_value());
  DaemonSpec expected;
  expected.file = "/etc/herd/herd.json";
  EXPECT_TRUE(*spec == expected);
  EXPECT_EQ(spec->uids.first, 1'900'000'000u);
  EXPECT_EQ(spec->uids.count, 65'536u);
  EXPECT_EQ(spec->control.mode, 0660u);
}

TEST(Daemon, values_arrive) {
  const auto spec = read_herd(R"({
    "pools_directory": "pools", "state_directory": "/s", "runtime_directory": "/r", "executor": "/bin/herd-exec",
    "control": {"path": "/r/c.sock", "mode": "0600", "group": "ops",
                "roles": {"observer": {"users": ["alice"]}, "admin": {"groups": ["staff"]}}},
    "gateway": {"listen": ["127.0.0.1:8080", "[::1]:80", "unix:/r/g.sock", "localhost:1"], "threads": 2, "limits": {}},
    "cgroup": {"root": "apps/herd"}, "uids": {"first": 100000, "count": 10}, "log": {"level": "debug", "format": "json"}
  })");
  ASSERT_TRUE(spec.has_value()) << to_text(issues_of(spec));
  EXPECT_EQ(spec->pools_directory, "/etc/herd/pools");
  EXPECT_EQ(spec->state_directory, "/s");
  EXPECT_EQ(spec->runtime_directory, "/r");
  EXPECT_EQ(spec->executor, "/bin/herd-exec");
  EXPECT_EQ(spec->control.path, "/r/c.sock");
  EXPECT_EQ(spec->control.mode, 0600u);
  EXPECT_EQ(spec->control.group, "ops");
  EXPECT_THAT(spec->control.roles.at("observer").users, ElementsAre("alice"));
  EXPECT_THAT(spec->control.roles.at("admin").groups, ElementsAre("staff"));
  EXPECT_EQ(spec->control.roles.count("operator"), 0u);
  EXPECT_EQ(spec->gateway.listen.size(), 4u);
  EXPECT_EQ(spec->gateway.threads, 2);
  EXPECT_EQ(spec->cgroup_root, "apps/herd");
  EXPECT_EQ(spec->uids, (UidsSpec{100'000, 10}));
  EXPECT_EQ(spec->log, (LogSpec{"debug", LogFormat::json}));
}

void expect_members_refused_in_herd(const std::vector<Bad>& cases) {
  expect_refused(cases, [](const std::string& members) { return issues_of(read_herd("{" + members + "}")); });
}

std::string control_path(std::size_t length) {
  return "/" + std::string(length - 1, 'x');
}

TEST(BadDaemon, fields) {
  expect_members_refused_in_herd(
      {Bad{R"("pool_directory": "/x")", "/pool_directory", "did you mean \"pools_directory\"?"},
       Bad{R"("pools_directory": "")", "/pools_directory", "not empty"},
       Bad{R"("state_directory": "x")", "/state_directory", "an absolute path"},
       Bad{R"("runtime_directory": "")", "/runtime_directory", "an absolute path"},
       Bad{R"("executor": "herd-exec")", "/executor", "an absolute path"},
       Bad{R"("executor": "/missing")", "/executor", "\"/missing\" does not exist"},
       Bad{R"("control": {"mode": 432})", "/control/mode", "found 432, expected a file mode"},
       Bad{R"("control": {"mode": "660"})", "/control/mode", "found \"660\""},
       Bad{R"("control": {"mode": "0680"})", "/control/mode", "octal digits"},
       Bad{R"("control": {"mode": "1777"})", "/control/mode", "to \"0777\""},
       Bad{R"("control": {"path": "run/c.sock"})", "/control/path", "an absolute path"},
       Bad{R"("control": {"path": "/a/../c.sock"})", "/control/path", "without"},
       Bad{"\"control\": {\"path\": \"" + control_path(108) + "\"}", "/control/path", "at most 107 bytes"},
       Bad{R"("control": {"roles": {"operater": {}}})", "/control/roles/operater",
           "did you mean \"operator\"?"},
       Bad{R"("control": {"roles": {"admin": {"users": ["bob"]}}})", "/control/roles/admin/users/0",
           "does not exist"},
       Bad{R"("gateway": {"limits": {"rate": 1}})", "/gateway/limits/rate", "unknown key"},
       Bad{R"("gateway": {"listen": "127.0.0.1:80"})", "/gateway/listen", "expected a list"},
       Bad{R"("gateway": {"listen": ["80"]})", "/gateway/listen/0", "HOST:PORT"},
       Bad{R"("gateway": {"listen": [":80"]})", "/gateway/listen/0", "HOST:PORT"},
       Bad{R"("gateway": {"listen": ["h:0"]})", "/gateway/listen/0", "HOST:PORT"},
       Bad{R"("gateway": {"listen": ["h:65536"]})", "/gateway/listen/0", "HOST:PORT"},
       Bad{R"("gateway": {"listen": ["unix:x"]})", "/gateway/listen/0", "HOST:PORT"}});
}

TEST(BadDaemon, host) {
  expect_members_refused_in_herd(
      {Bad{R"("cgroup": {"root": "/herd"})", "/cgroup/root", "a name below the top"},
       Bad{R"("cgroup": {"root": "a/../b"})", "/cgroup/root", "a name below the top"},
       Bad{R"("cgroup": {"root": "a b"})", "/cgroup/root", "a name below the top"},
       Bad{R"("cgroup": {"root": ""})", "/cgroup/root", "a name below the top"},
       Bad{R"("uids": {"first": 1000})", "/uids/first", "from 65536"},
       Bad{R"("uids": {"first": 4294967295})", "/uids/first", "to 4294967294"},
       Bad{R"("uids": {"count": 0})", "/uids/count", "from 1"},
       Bad{R"("uids": {"first": 4294967294, "count": 2})", "/uids/count", "the range ends at 4294967295"},
       Bad{R"("log": {"level": "verbose"})", "/log/level",
           "\"trace\", \"debug\", \"info\", \"warn\" or \"error\""},
       Bad{R"("log": {"format": "xml"})", "/log/format", "\"text\" or \"json\""}});
}

TEST(Daemon, a_socket_path_of_107_bytes_and_the_last_uid_are_fine) {
  EXPECT_TRUE(read_herd("{\"control\": {\"path\": \"" + control_path(107) + "\"}}").has_value());
  EXPECT_TRUE(read_herd(R"({"uids": {"first": 4294967294, "count": 1}})").has_value());
}

}  // namespace
}  // namespace herd::config::testing
