// Pools whose workers don't work: each end has its true reason, the pool backs off, the others don't notice.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

namespace fs = std::filesystem;

class FailingPool : public DaemonTest {
 protected:
  void start_beside_a_good_one(const Json& pool) {
    daemon_.write_pool("bad", pool);
    daemon_.write_pool("good", testee_pool({"serve"}));
    daemon_.start();
    good_ = daemon_.acquire("good", "s");
  }
  void TearDown() override {
    if (daemon_.is_running() && !good_.is_null()) {
      EXPECT_EQ(daemon_.acquire("good", "s").at("pid"), good_.at("pid")) << "the other pool was disturbed";
    }
    DaemonTest::TearDown();
  }
  Json end_of_one() { return daemon_.wait_for({.type = "worker_gone", .pool = "bad"}).at("reason"); }
  Json good_;
};

Json quickly_failing(const std::vector<std::string>& behaviour) {
  return testee_pool(behaviour,
                     {{"restart", {{"backoff_min", "10ms"}, {"backoff_max", "20ms"}, {"burst", 3}}}});
}

TEST_F(FailingPool, OneThatExitsAtOnceBacksOffThenFailsAndStartsAgainOnResume) {
  start_beside_a_good_one(quickly_failing({"exit", "3"}));
  const Json failed = daemon_.wait_for({.type = "pool_failed", .pool = "bad"});
  EXPECT_NE(failed.at("message").get<std::string>().find("exited with code 3"), std::string::npos) << failed;
  const Json pool = daemon_.get("/v1/pools/bad");
  EXPECT_EQ(pool.at("state"), "failed");
  EXPECT_EQ(pool.at("counters").at("started"), 3);
  const std::string reason = pool.at("reason");
  EXPECT_NE(reason.find("exited with code 3"), std::string::npos) << reason;
  EXPECT_NE(daemon_.get("/v1/status").at("warnings").dump().find("exited with code 3"), std::string::npos);
  int backoffs = 0;
  for (const Json& event : daemon_.events()) backoffs += event.at("type") == "pool_backoff" ? 1 : 0;
  EXPECT_EQ(backoffs, 2);

  const Reply denied = daemon_.call("POST", "/v1/pools/bad/sessions", Json::object());
  EXPECT_EQ(denied.status, 503U);
  EXPECT_EQ(denied.body.at("error").at("code"), "pool_failed");

  daemon_.post("/v1/pools/bad/resume");
  daemon_.wait_for({.type = "worker_starting", .pool = "bad", .after = failed.at("seq")});
  daemon_.wait_for({.type = "pool_failed", .pool = "bad", .after = failed.at("seq")});
}

// Pitfall 19: a shell's number for a SIGKILL is a number like any other.
TEST_F(FailingPool, OneThatExitsWith137WasNotKilled) {
  start_beside_a_good_one(quickly_failing({"exit", "137"}));
  const Json reason = end_of_one();
  EXPECT_EQ(reason.at("kind"), "exited");
  EXPECT_EQ(reason.at("code"), 137);
}

TEST_F(FailingPool, OneThatNeverGetsReadyHasThatReason) {
  Json pool = quickly_failing({"never-ready"});
  pool["ready"]["timeout"] = "150ms";
  start_beside_a_good_one(pool);
  EXPECT_EQ(end_of_one().at("kind"), "ready_timeout");
}

TEST_F(FailingPool, OneThatFailsItsChecksOfReadinessSaysWhatTheLastOneSaw) {
  Json pool = quickly_failing({"never-ready"});
  pool["listen"] = "port";
  pool["ready"] = {{"http", "/"}, {"timeout", "150ms"}};
  start_beside_a_good_one(pool);
  const Json reason = end_of_one();
  EXPECT_EQ(reason.at("kind"), "ready_timeout");
  EXPECT_NE(reason.at("text").get<std::string>().find("the last check: connect to"), std::string::npos)
      << reason;
}

TEST_F(FailingPool, ACommandThatTheWorkersUserMayNotExecuteIsNamedWithItsErrno) {
  fs::create_directory(daemon_.directory() + "/bin");
  fs::copy_file(HERD_TEST_TESTEE, daemon_.directory() + "/bin/mine");
  ::chmod((daemon_.directory() + "/bin/mine").c_str(), 0700);
  Json pool = quickly_failing({"serve"});
  pool["command"] = {daemon_.directory() + "/bin/mine", "serve"};
  pool["sandbox"]["filesystem"]["read_only"] = {daemon_.directory() + "/bin"};
  start_beside_a_good_one(pool);
  const Json reason = end_of_one();
  EXPECT_EQ(reason.at("kind"), "setup_failed");
  EXPECT_EQ(reason.at("stage"), "exec");
  EXPECT_EQ(reason.at("errno"), EACCES);
  EXPECT_NE(reason.at("text").get<std::string>().find("may not execute"), std::string::npos) << reason;
}

TEST_F(FailingPool, AMissingInterpreterIsNamedWithItsErrno) {
  const std::string script = daemon_.directory() + "/bin/script";
  fs::create_directory(daemon_.directory() + "/bin");
  std::ofstream(script) << "#!/no/such/interpreter\n";
  fs::permissions(script, fs::perms(0755));
  Json pool = quickly_failing({"serve"});
  pool["command"] = {script};
  pool["sandbox"]["filesystem"]["read_only"] = {daemon_.directory() + "/bin"};
  start_beside_a_good_one(pool);
  const Json reason = end_of_one();
  EXPECT_EQ(reason.at("kind"), "setup_failed");
  EXPECT_EQ(reason.at("stage"), "exec");
  EXPECT_EQ(reason.at("errno"), ENOENT);
  EXPECT_NE(reason.at("text").get<std::string>().find("interpreter"), std::string::npos) << reason;
}

TEST_F(FailingPool, AReadOnlyPathThatIsMissingIsAMountFailure) {
  Json pool = quickly_failing({"serve"});
  pool["sandbox"]["filesystem"]["writable"] = {daemon_.directory() + "/missing"};
  start_beside_a_good_one(pool);
  const Json reason = end_of_one();
  EXPECT_EQ(reason.at("kind"), "setup_failed");
  EXPECT_EQ(reason.at("stage"), "mounts");
  EXPECT_EQ(reason.at("errno"), ENOENT);
}

}  // namespace
}  // namespace herd::test
