// The spawning thread waits for herd-exec's exec, however long that takes. Here for as long as the test
// wants: a process that is born into a frozen cgroup stops before its first instruction.
#include <filesystem>
#include <fstream>

#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

namespace fs = std::filesystem;

class HeldSpawner : public DaemonTest {
 protected:
  void SetUp() override {
    DaemonTest::SetUp();
    HERD_ONLY_WITH(!v2_mount().empty(), "v2 cgroup tree");
  }
  void TearDown() override {
    freeze(false);  // whatever failed: nothing ends in a frozen cgroup
    DaemonTest::TearDown();
  }
  /// A daemon that is starting two workers of "held", and has one of "free" ready.
  void start_held() {
    daemon_.write_pool("held", testee_pool({"serve"}, {{"workers", {{"min", 0}, {"max", 2}}}}));
    start_with("free", testee_pool({"serve"}));
    daemon_.wait_until_ready("free");
    fs::create_directory(held());
    freeze(true);
    daemon_.post("/v1/pools/held/scale", {{"min", 2}});
    child_ = wait_for_child(daemon_.wait_for({.type = "worker_starting", .pool = "held"}).at("worker"));
    ASSERT_TRUE(is_held());
  }
  void freeze(bool wanted) const { std::ofstream(held() + "/cgroup.freeze") << (wanted ? "1" : "0"); }
  /// Before its exec it has the name of the thread that it was cloned from.
  [[nodiscard]] bool is_held() const { return status_of(child_)["Name"] == "spawner"; }

 private:
  [[nodiscard]] std::string held() const { return v2_mount() + "/" + daemon_.cgroup_root() + "/held"; }
  /// No event tells of a birth in a cgroup.
  [[nodiscard]] pid_t wait_for_child(const std::string& worker) const {
    const std::string leaf = "/" + daemon_.cgroup_root() + "/held/" + worker;
    for (const auto end = std::chrono::steady_clock::now() + kPatience;
         std::chrono::steady_clock::now() < end;)
      if (const auto found = processes_in(leaf); !found.empty()) return found.front();
    return -1;
  }
  pid_t child_ = -1;
};

// Pitfall 8.
TEST_F(HeldSpawner, TheDaemonAnswersMeanwhile) {
  start_held();
  constexpr int kQuestions = 50;
  for (int i = 0; i < kQuestions; ++i) ASSERT_EQ(daemon_.call("GET", "/v1/status").status, 200U);
  const Json session = daemon_.acquire("free", "s");
  EXPECT_EQ(ask(session.at("address"), "/").at("worker"), session.at("worker"));
  ASSERT_TRUE(is_held()) << "the exec came too early: nothing was tried";
  freeze(false);
  daemon_.wait_for_pool("held", [](const Json& pool) { return pool.at("workers").at("idle") == 2; });
}

// Pitfall 11.
TEST_F(HeldSpawner, KilledMeanwhileTheDaemonLeavesNothing) {
  start_held();
  daemon_.kill();
  ASSERT_TRUE(is_held());
  freeze(false);
  EXPECT_TRUE(daemon_.workers_end_within(kPatience));
  EXPECT_TRUE(processes_below(daemon_.cgroup_root()).empty());
  daemon_.start();  // clears up; its stop looks for what is left
}

}  // namespace
}  // namespace herd::test
