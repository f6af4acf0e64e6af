// A worker that attacks herd-exec while that sets up another worker of the same user (pitfall 34).
#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

constexpr int kStarts = 30;

class SetupAttack : public DaemonTest {
 protected:
  /// All that could be in the way is given away, but for capabilities: one user for all workers, and the
  /// host's processes in full sight.
  static Json open_pool(const std::string& program, const Json& capabilities) {
    Json pool = testee_pool({"serve"}, {{"sandbox",
                                         {{"user", "nobody"},
                                          {"namespaces", {"uts"}},
                                          {"seccomp", "off"},
                                          {"capabilities", capabilities}}}});
    pool["command"][0] = program;
    return pool;
  }
  /// What a worker with those capabilities finds while others are being started.
  Json stalk(const Json& capabilities) {
    daemon_.write_pool("stalker", open_pool(HERD_TEST_ESCAPE, capabilities));
    Json prey = open_pool(HERD_TEST_TESTEE, Json::array());
    prey["workers"] = {{"min", 0}, {"max", 1}, {"spare", 0}};
    daemon_.write_pool("prey", prey);
    daemon_.start();
    const std::string stalker = daemon_.acquire("stalker", "s").at("address");
    ask(stalker, "/stalk");
    for (int i = 0; i < kStarts; ++i) {
      const std::string session = std::to_string(i);
      const Json acquired = daemon_.acquire("prey", session);
      daemon_.remove("/v1/pools/prey/sessions/" + session);
      daemon_.wait_for({.type = "worker_gone", .worker = acquired.at("worker")});
    }
    return ask(stalker, "/stalked");
  }
};

TEST_F(SetupAttack, HerdExecIsOutOfReachOfItsWorkersUser) {
  const Json found = stalk(Json::array());
  EXPECT_GT(found.at("seen"), 0);
  EXPECT_EQ(found.at("got_through"), 0);
}

// The same attack with the capability that it needs: else the test above would prove nothing.
TEST_F(SetupAttack, WithTheCapabilityToTraceItIsNot) {
  EXPECT_GT(stalk({"CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"}).at("got_through"), 0);
}

}  // namespace
}  // namespace herd::test
