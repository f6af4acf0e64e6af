// The profiles of a pool, built in and from files, on real workers.
#include <sys/stat.h>

#include <fstream>

#include "tests/support/daemon_test.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::test {
namespace {

class Profiles : public DaemonTest {
 protected:
  [[nodiscard]] std::string file() const { return directory_.path() + "/profile.json"; }
  void write_profile(const std::string& text) const { std::ofstream(file()) << text; }
  static Json pool(const std::vector<std::string>& behaviour, const std::string& profile) {
    return testee_pool(behaviour, {{"sandbox", {{"seccomp", {{"profile", profile}, {"enter", "exec"}}}}},
                                   {"restart", {{"burst", 1}}}});
  }
  /// What the testee says that the call gave under the profile, in a pool of that name.
  std::string result(const std::string& name, const std::string& call, const std::string& profile) {
    daemon_.write_pool(name, pool({"syscall", call}, profile));
    daemon_.post("/v1/reload");
    const std::string worker = daemon_.wait_until_ready(name).at("id");
    const Json line = daemon_.wait_for_line(worker, [](const Json& one) { return one.contains("text"); });
    return Json::parse(line.at("text").get<std::string>()).at("result");
  }
  TemporaryDirectory directory_;
};

TEST_F(Profiles, EachBuiltInOneStartsAnOrdinaryWorker) {
  const std::vector<std::string> profiles{"worker", "strict", "network", "docker", "deny-dangerous"};
  for (const std::string& profile : profiles) daemon_.write_pool(profile, pool({"serve"}, profile));
  daemon_.start();
  for (const std::string& profile : profiles) {
    const Json session = daemon_.acquire(profile, "s");
    EXPECT_EQ(status_of(session.at("pid").get<pid_t>()).at("Seccomp_filters"), "1") << profile;
  }
}

TEST_F(Profiles, AFileSaysWhatTheKernelAnswers) {
  daemon_.start();
  EXPECT_EQ(result("denied", "keyctl", "worker"), "EPERM");
  write_profile(R"({"base": "worker", "allow": ["keyctl"]})");
  EXPECT_EQ(result("allowed", "keyctl", file()), "ok");
  write_profile(R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
      {"names": ["keyctl"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]})");
  EXPECT_EQ(result("oci", "keyctl", file()), "EACCES");
}

TEST_F(Profiles, AFileThatChangesReplacesTheWorkers) {
  write_profile(R"({"base": "worker"})");
  start_with("a", pool({"serve"}, file()));
  const Json before = daemon_.wait_until_ready("a");
  const Json same = daemon_.post("/v1/reload");
  EXPECT_EQ(daemon_.worker(before.at("id")).at("state"), "idle") << same;

  write_profile(R"({"base": "worker", "deny": ["getcwd"]})");
  const Json changed = daemon_.post("/v1/reload");
  EXPECT_NE(changed.dump().find("/sandbox/seccomp/profile"), std::string::npos) << changed;
  daemon_.wait_for({.type = "worker_gone", .pool = "a"});
  const Json ready = daemon_.wait_for([&before](const Json& event) {
    return event.at("type") == "worker_ready" && event.at("worker") != before.at("id");
  });
  EXPECT_EQ(ready.at("pool"), "a");
}

TEST_F(Profiles, AFileThatBreaksLeavesAllAsItWas) {
  write_profile(R"({"base": "worker"})");
  start_with("a", pool({"serve"}, file()));
  const Json before = daemon_.wait_until_ready("a");
  write_profile(R"({"base": "worker", "deny": ["getcdw"]})");
  const auto reply = daemon_.call("POST", "/v1/reload");
  EXPECT_GE(reply.status, 400U);
  EXPECT_NE(reply.body.dump().find("did you mean"), std::string::npos) << reply.body;
  EXPECT_EQ(daemon_.worker(before.at("id")).at("state"), "idle");
}

}  // namespace
}  // namespace herd::test
