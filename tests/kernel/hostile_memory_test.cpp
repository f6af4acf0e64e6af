// A worker that takes memory which is no process's own, or fills a filesystem in memory: its limits hold, and
// it is what pays (pitfall 47).
#include "tests/support/daemon_test.hpp"

namespace herd::test {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kTmpInodes = 2048;  // one for 4 KiB of its 8 MiB

class HostileMemory : public DaemonTest {
 protected:
  Json start(const std::string& tmp) {
    start_with("a", testee_pool({}, {{"command", {HERD_TEST_ESCAPE}},
                                     {"limits", {{"memory", "48MiB"}}},
                                     {"sandbox", {{"filesystem", {{"tmp", tmp}}}}}}));
    return daemon_.acquire("a", "s");
  }
};

class FullDirectory : public HostileMemory, public ::testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, FullDirectory, ::testing::Values("/tmp", "/dev/shm"),
                         [](const auto& one) { return one.param == "/tmp" ? "tmp" : "dev_shm"; });

TEST_P(FullDirectory, EndsAtItsSizeAndAtItsInodes) {
  const Json session = start("8MiB");
  const Json filled = ask(session.at("address"), "/fill?" + GetParam());
  EXPECT_EQ(filled.at("bytes_errno"), "ENOSPC") << filled;
  EXPECT_LE(filled.at("bytes").get<std::uint64_t>(), 8 * kMiB);
  EXPECT_GE(filled.at("bytes").get<std::uint64_t>(), 7 * kMiB);
  EXPECT_EQ(filled.at("files_errno"), "ENOSPC") << filled;
  EXPECT_LE(filled.at("files").get<std::uint64_t>(), kTmpInodes);
  EXPECT_TRUE(ask(session.at("address"), "/").is_object()) << "it lives on";
}

TEST_F(HostileMemory, RunIsNotTheWorkersToFill) {
  const Json filled = ask(start("8MiB").at("address"), "/fill?/run");
  EXPECT_EQ(filled.at("bytes_errno"), "EACCES");
  EXPECT_EQ(filled.at("files"), 0);
}

class TakenMemory : public HostileMemory, public ::testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, TakenMemory, ::testing::Values("/tmp", "/dev/shm", "memfd", "segment"),
                         [](const auto& one) {
                           return one.param == "/tmp"       ? "tmp"
                                  : one.param == "/dev/shm" ? "dev_shm"
                                                            : one.param;
                         });

TEST_P(TakenMemory, IsTheWorkersOwnAndEndsIt) {
  const Json session = start("512MiB");
  EXPECT_TRUE(ask(session.at("address"), "/take?" + GetParam()).is_null()) << "it took 1 GiB";
  const Json gone = daemon_.wait_for({.type = "worker_gone", .worker = session.at("worker")});
  EXPECT_EQ(gone.at("reason").at("kind"), "oom_killed") << gone;
}

}  // namespace
}  // namespace herd::test
