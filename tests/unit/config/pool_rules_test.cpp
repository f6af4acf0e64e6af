// Rules between the fields of a pool file, and what has to be there on the host.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "config/diff.hpp"
#include "config/preset_catalog.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/unit/config/support.hpp"

namespace herd::config::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<Issue> issues(const std::string& members) {
  return issues_of(read(pool_with(members)));
}

TEST(BadCommand, command) {
  expect_refused({Bad{"{}", "/command", "\"command\" is missing, expected a list, not empty"},
                  Bad{R"({"command": []})", "/command", "found a list of 0, expected a list, not empty"},
                  Bad{R"({"command": "/bin/true"})", "/command", "found \"/bin/true\", expected a list"},
                  Bad{R"({"command": ["/bin/true", 1]})", "/command/1", "found 1, expected a string"},
                  Bad{R"({"command": ["/bin/true", "a\u0000b"]})", "/command/1", "without NUL"},
                  Bad{R"({"command": ["true"]})", "/command/0", "the absolute path of a program"},
                  Bad{R"({"command": [""]})", "/command/0", "the absolute path of a program"},
                  Bad{R"({"command": ["/x/${POOL}"]})", "/command/0", "only arguments may hold variables"},
                  Bad{R"({"command": ["/missing"]})", "/command/0", "\"/missing\" does not exist"},
                  Bad{R"({"command": ["/data"]})", "/command/0", "\"/data\" is not executable"},
                  Bad{R"({"command": ["/usr"]})", "/command/0", "\"/usr\" is a directory"}},
                 [](const std::string& text) { return issues_of(read(text)); });
}

TEST(BadRule, environment) {
  expect_members_refused(
      {Bad{R"("environment": {"HERD_SECCOMP_PROFILE": "off"})", "/environment/HERD_SECCOMP_PROFILE",
           "set by herd itself"},
       Bad{R"("environment": {"LISTEN_FDS": "1"})", "/environment/LISTEN_FDS", "set by herd itself"},
       Bad{R"("environment": {"NOTIFY_SOCKET": "/x"})", "/environment/NOTIFY_SOCKET", "set by herd itself"},
       Bad{R"("environment": {"PORT": "1"})", "/environment/PORT", "set by herd itself"},
       Bad{R"("pass_environment": ["HERD_SECCOMP_FD"])", "/pass_environment/0", "set by herd itself"},
       Bad{R"("pass_environment": ["LANG", "NOTIFY_SOCKET"])", "/pass_environment/1", "set by herd itself"},
       Bad{R"("environment": {"A": ""}, "pass_environment": ["A"])", "/pass_environment/0",
           "\"environment\" too"}});
}

TEST(BadRule, orders) {
  expect_members_refused(
      {Bad{R"("workers": {"min": 3, "max": 2})", "/workers/min", "3 and 2"},
       Bad{R"("workers": {"min": 11})", "/workers/min", "11 and 10"},
       Bad{R"("workers": {"max": 2, "spare": 3})", "/workers/spare", "3 and 2"},
       Bad{R"("restart": {"backoff_min": "31s"})", "/restart/backoff_min", "\"31s\" and \"30s\""},
       Bad{R"("restart": {"backoff_max": "50ms"})", "/restart/backoff_max", "\"100ms\" and \"50ms\""}});
}

TEST(BadRule, ready_and_listen) {
  expect_members_refused(
      {Bad{R"("ready": {"notify": true, "http": "/x"})", "/ready",
           "found \"notify\", \"http\", expected exactly one"},
       Bad{R"("listen": "none", "ready": {"http": "/x"})", "/ready/http", "needs an address"},
       Bad{R"("listen": "none", "ready": {"connect": true})", "/ready/connect", "needs an address"},
       Bad{R"("listen": "none", "health": {"http": "/x"})", "/health/http", "needs an address"},
       Bad{R"("listen": "port", "sandbox": {"network": "none"})", "/listen",
           "use \"network\": \"loopback\""}});
}

TEST(BadRule, sandbox) {
  expect_members_refused(
      {Bad{R"("sandbox": {"user": "bob"})", "/sandbox/user", "the user \"bob\" does not exist on this host"},
       Bad{R"("sandbox": {"user": "root"})", "/sandbox/user", "\"root\" has uid 0"},
       Bad{R"("sandbox": {"user": "toor"})", "/sandbox/user", "\"toor\" has uid 0"},
       Bad{R"("sandbox": {"filesystem": {"root": "/missing"}})", "/sandbox/filesystem/root",
           "\"/missing\" does not exist"},
       Bad{R"("sandbox": {"filesystem": {"root": "/"}})", "/sandbox/filesystem/root",
           "expected \"read_only_host\", \"minimal\" or"},
       Bad{R"("sandbox": {"filesystem": {"root": "host"}})", "/sandbox/filesystem/root",
           "expected \"read_only_host\", \"minimal\" or"},
       Bad{R"("sandbox": {"filesystem": {"root": "minimal"}, "namespaces": ["pid"]})",
           "/sandbox/filesystem/root", "\"mount\" among the namespaces"},
       Bad{R"("sandbox": {"landlock": "wanted", "no_new_privs": false, "seccomp": "off"})",
           "/sandbox/landlock", "Landlock rules need \"no_new_privs\": true"},
       Bad{R"("sandbox": {"seccomp": {"profile": "wroker"}})", "/sandbox/seccomp/profile",
           "did you mean \"worker\"?"},
       Bad{R"("sandbox": {"seccomp": {"profile": "dicker.json"}})", "/sandbox/seccomp/profile",
           "or the absolute path of a file"},
       Bad{R"("sandbox": {"seccomp": {"policy": "off", "denials": "notify"}})", "/sandbox/seccomp/denials",
           "nothing is denied"},
       Bad{R"("sandbox": {"no_new_privs": false})", "/sandbox/no_new_privs", "CAP_SYS_ADMIN"},
       Bad{R"("clients": {"users": ["alice", "bob"]})", "/clients/users/1",
           "the user \"bob\" does not exist"},
       Bad{R"("clients": {"groups": ["nobodies"]})", "/clients/groups/0",
           "the group \"nobodies\" does not exist"}});
}

TEST(BadRule, command_in_another_root) {
  EXPECT_THAT(issues(R"("sandbox": {"filesystem": {"root": "/srv/image"}})"),
              ElementsAre(issue_at("/command/0", "\"/bin/true\" does not exist in \"/srv/image\"")));
}

TEST(PoolRules, what_is_allowed_is_not_refused) {
  EXPECT_THAT(issues(R"("listen": "none")"), IsEmpty());
  EXPECT_THAT(issues(R"("listen": "none", "ready": {"started": true})"), IsEmpty());
  EXPECT_THAT(issues(R"("listen": "tcp", "ready": {"http": "/x"}, "sandbox": {"network": "loopback"})"),
              IsEmpty());
  EXPECT_THAT(issues(R"("listen": "port", "sandbox": {"network": "loopback"})"), IsEmpty());
  EXPECT_THAT(issues(R"("listen": "tcp", "sandbox": {"network": "none"})"), IsEmpty());
  EXPECT_THAT(issues(R"("workers": {"min": 2, "max": 2, "spare": 2})"), IsEmpty());
  EXPECT_THAT(issues(R"("sandbox": {"no_new_privs": false, "seccomp": "off"})"), IsEmpty());
  EXPECT_THAT(issues(R"("sandbox": {"seccomp": {"denials": "notify", "profile": "strict"}})"), IsEmpty());
  EXPECT_THAT(issues(R"("sandbox": {"seccomp": {"denials": "notify", "enter": "exec"}})"), IsEmpty());
  EXPECT_THAT(issues(R"("sandbox": {"no_new_privs": false, "capabilities": ["CAP_SYS_ADMIN"]})"), IsEmpty());
  EXPECT_THAT(issues(R"("clients": {"users": ["alice"], "groups": ["staff"]})"), IsEmpty());
}

TEST(PoolRules, what_ready_is_follows_from_listen_where_the_file_says_nothing) {
  EXPECT_EQ(good(pool_with("")).ready.kind, ReadyKind::notify);
  EXPECT_EQ(good(pool_with(R"("listen": "port")")).ready.kind, ReadyKind::connect);
  const PoolSpec timed = good(pool_with(R"("listen": "port", "ready": {"timeout": "1s"})"));
  EXPECT_EQ(timed.ready.kind, ReadyKind::connect);
  EXPECT_EQ(timed.ready.timeout, 1s);
  EXPECT_EQ(good(pool_with(R"("listen": "port", "ready": {"notify": true})")).ready.kind, ReadyKind::notify);
  EXPECT_EQ(good(pool_with(R"("ready": {"http": "/up"})")).ready, (ReadySpec{ReadyKind::http, "/up", 30s}));
}

std::string with_profile(const std::string& profile) {
  return pool_with(R"("sandbox": {"seccomp": {"profile": ")" + profile + "\"}}");
}

TEST(PoolRules, each_built_in_profile_is_known) {
  for (const std::string& name : preset_names()) {
    const PoolSpec spec = good(with_profile(name));
    EXPECT_EQ(spec.sandbox.seccomp.rules.value->name, name);
  }
}

TEST(PoolRules, dockers_profile_follows_the_capabilities) {
  const auto rules = [](const std::string& capabilities) {
    return good(pool_with(R"("sandbox": {"capabilities": [)" + capabilities +
                          R"(], "seccomp": {"profile": "docker"}})"))
        .sandbox.seccomp.rules;
  };
  EXPECT_NE(rules(""), rules(R"("CAP_SYS_ADMIN")"));
  EXPECT_EQ(rules(""), rules(R"("CAP_NET_BIND_SERVICE")"));
}

class ProfileFile : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return directory_.path() + "/p.json"; }
  void write(const std::string& text, mode_t mode = 0600) const {
    std::ofstream(path()) << text;
    ::chmod(path().c_str(), mode);
  }
  test::TemporaryDirectory directory_;
};

TEST_F(ProfileFile, IsReadWithThePoolFile) {
  write(R"({"base": "worker", "allow": ["mount"]})");
  const PoolSpec before = good(with_profile(path()));
  EXPECT_EQ(before.sandbox.seccomp.rules.value->name, path());
  EXPECT_EQ(before, good(with_profile(path())));

  write(R"({"base": "worker", "allow": ["umount2"]})");
  const PoolSpec after = good(with_profile(path()));
  const auto changes = diff(before, after);
  ASSERT_EQ(changes.size(), 1U) << "the pool file is the same";
  EXPECT_EQ(changes.front().pointer, "/sandbox/seccomp/profile");
  EXPECT_EQ(changes.front().applies, Applies::recycle);
}

TEST_F(ProfileFile, ItsProblemsStandAtThePoolsField) {
  write("{\"base\": \"worker\",\n\"allow\": [\"raed\", \"wirte\"]}");
  const auto found = issues_of(read(with_profile(path())));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found.front().pointer, "/sandbox/seccomp/profile");
  EXPECT_THAT(found.front().message, HasSubstr(path() + ":2: /allow/0: no architecture has a syscall"));
}

TEST_F(ProfileFile, ThatIsMissingOrThatOthersCanWriteIsRefused) {
  EXPECT_THAT(issues_of(read(with_profile(path()))),
              ElementsAre(issue_at("/sandbox/seccomp/profile", "p.json")));
  write(R"({"base": "worker"})", 0666);
  EXPECT_THAT(issues_of(read(with_profile(path()))),
              ElementsAre(issue_at("/sandbox/seccomp/profile", "writable")));
}

TEST_F(ProfileFile, ThatIsTooLongForTheKernelIsRefused) {
  std::string rules;
  for (int value = 0; value < 1000; ++value)
    rules += std::string(value == 0 ? "" : ",") +
             R"({"names": ["ioctl"], "action": "SCMP_ACT_ALLOW", "args": [
        {"index": 1, "op": "SCMP_CMP_EQ", "value": )" +
             std::to_string(value) + "}]}";
  write(R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [)" + rules + "]}");
  EXPECT_THAT(issues_of(read(with_profile(path()))),
              ElementsAre(issue_at("/sandbox/seccomp/profile", "the kernel takes 4096 at most")));
}

TEST(PoolRules, a_value_that_was_refused_starts_no_second_complaint) {
  EXPECT_THAT(issues(R"("workers": {"min": 20, "max": "many"})"),
              ElementsAre(issue_at("/workers/max", "found")));
  EXPECT_THAT(issues(R"("listen": "non", "ready": {"connect": true})"),
              ElementsAre(issue_at("/listen", "found")));
}

TEST(PoolName, good_and_bad_ones) {
  const auto of = [](const std::string& name) {
    return issues_of(read_pool(pool_with(""), "f.json", name, fake_host()));
  };
  for (const std::string& name :
       {std::string("a"), std::string("9"), std::string("web-1_b"), std::string(63, 'a')})
    EXPECT_THAT(of(name), IsEmpty()) << name;
  for (const std::string& name :
       {std::string(), std::string(".."), std::string("a/b"), std::string("/"), std::string("Web"),
        std::string("-a"), std::string("_a"), std::string("a.b"), std::string("a b"), std::string("é"),
        std::string(64, 'a'), std::string(300, 'a'), std::string("a\0b", 3)}) {
    EXPECT_THAT(of(name), ElementsAre(issue_at("", "rename the file"))) << name;
  }
}

class RealHost : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "herd-config-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string file(const std::string& name, mode_t mode) {
    const std::string path = (directory_ / name).string();
    std::ofstream(path) << "x";
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  std::filesystem::path directory_;
};

TEST_F(RealHost, says_why_a_program_can_not_be_started) {
  const HostFacts facts = real_host();
  EXPECT_EQ(facts.program_problem("/", file("ok", 0755)), std::nullopt);
  EXPECT_EQ(facts.program_problem("/", file("data", 0644)), "is not executable");
  EXPECT_EQ(facts.program_problem("/", directory_.string()), "is a directory");
  EXPECT_EQ(facts.program_problem("/", (directory_ / "none").string()), "does not exist");
  EXPECT_EQ(facts.program_problem("/", file("ok", 0755) + "/x"), "does not exist");
  EXPECT_EQ(facts.program_problem("/", "/dev/null"), "is not a regular file");
}

TEST_F(RealHost, knows_accounts) {
  const HostFacts facts = real_host();
  EXPECT_EQ(facts.uid_of("root"), 0u);
  EXPECT_EQ(facts.gid_of("root"), 0u);
  EXPECT_EQ(facts.uid_of("no-such-user-here"), std::nullopt);
  EXPECT_EQ(facts.gid_of("no-such-group-here"), std::nullopt);
}

}  // namespace
}  // namespace herd::config::testing
