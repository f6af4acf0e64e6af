#include "daemon/denials/tally.hpp"

#include <gtest/gtest.h>

namespace herd::denials {
namespace {

Record record(std::int64_t number, const std::string& exe = "/bin/a", int second = 0) {
  return {
      WallTime(std::chrono::seconds(second)), 7, 1, "comm" + std::to_string(second), exe, 0, 1, number, 2};
}

TEST(DenialTally, CountsByWorkerAndKind) {
  Tally tally;
  EXPECT_TRUE(tally.empty());
  tally.add(1, record(10, "/bin/a", 5));
  tally.add(1, record(10, "/bin/a", 3));
  tally.add(1, record(10, "/bin/b"));
  tally.add(1, record(11));
  tally.add(2, record(10));
  auto all = tally.take();
  EXPECT_TRUE(tally.empty());
  ASSERT_EQ(all.size(), 2U);
  ASSERT_EQ(all[1].denied.size(), 3U);
  const Denied& first = all[1].denied[0];
  EXPECT_EQ(first.kind, (Kind{1, 10, 2, "/bin/a"}));
  EXPECT_EQ(first.count, 2U);
  EXPECT_EQ(first.comm, "comm3");
  EXPECT_EQ(first.first, WallTime(std::chrono::seconds(3)));
  EXPECT_EQ(first.last, WallTime(std::chrono::seconds(5)));
  EXPECT_EQ(all[2].denied.size(), 1U);
}

TEST(DenialTally, IsBoundedWhateverAWorkerDoes) {
  Tally tally;
  for (std::size_t i = 0; i < kMaxKinds + 5; ++i) tally.add(1, record(static_cast<std::int64_t>(i)));
  tally.add(1, record(0));
  auto all = tally.take();
  EXPECT_EQ(all[1].denied.size(), kMaxKinds);
  EXPECT_EQ(all[1].others, 5U);
  EXPECT_EQ(all[1].denied[0].count, 2U) << "a kind that is there goes on being counted";
  tally.add(1, record(1, std::string(4096, 'a')));
  EXPECT_EQ(tally.take()[1].denied[0].kind.exe.size(), kMaxExe);
}

TEST(DenialTally, ASharedListenerIsTold) {
  Tally tally;
  tally.add(1, record(1));
  tally.add_shared_listener(2);
  const auto all = tally.take();
  EXPECT_FALSE(all.at(1).shares_listener);
  EXPECT_TRUE(all.at(2).shares_listener);
}

TEST(DenialTally, KeepsTheLatestKills) {
  Tally tally;
  Record killed = record(1);
  killed.signal = 31;
  for (std::size_t i = 0; i < kMaxKills + 3; ++i) {
    killed.pid = static_cast<pid_t>(i) + 1;
    tally.add(1, killed);
  }
  auto all = tally.take();
  ASSERT_EQ(all[1].kills.size(), kMaxKills);
  EXPECT_EQ(all[1].kills.front().pid, 4);
  EXPECT_EQ(all[1].kills.back().pid, static_cast<pid_t>(kMaxKills) + 3);
}

TEST(DenialTally, AHoldIsNewsToo) {
  Tally tally;
  tally.add_hold(3);
  tally.add_hold(3);
  EXPECT_FALSE(tally.empty());
  EXPECT_EQ(tally.take()[3].holds, 2U);
}

}  // namespace
}  // namespace herd::denials
