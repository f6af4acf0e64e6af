#include "daemon/worker/uid_pool.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>

#include "tests/support/temporary_directory.hpp"

namespace herd::worker {
namespace {

class UidPools : public testing::Test {
 protected:
  [[nodiscard]] UidPool open(config::UidsSpec range) const {
    auto pool = UidPool::open(directory_.path() + "/uids.lock", range);
    if (!pool) throw std::runtime_error(pool.error().message);
    return std::move(*pool);
  }
  static constexpr std::uint32_t kFirst = 1'900'000'000;
  test::TemporaryDirectory directory_;
};

std::set<std::uint32_t> take_all(UidPool& pool) {
  std::set<std::uint32_t> uids;
  while (const auto uid = pool.take()) EXPECT_TRUE(uids.insert(*uid).second) << *uid << " was given twice";
  return uids;
}

TEST_F(UidPools, GiveEachUidOfTheRangeOnce) {
  UidPool pool = open({kFirst, 4});
  EXPECT_EQ(take_all(pool), (std::set<std::uint32_t>{kFirst, kFirst + 1, kFirst + 2, kFirst + 3}));
}

TEST_F(UidPools, WithoutAnySayWhy) {
  UidPool pool = UidPool::without_any("there are none");
  EXPECT_FALSE(pool.has_any());
  const auto uid = pool.take();
  ASSERT_FALSE(uid);
  EXPECT_EQ(uid.error().message, "there are none");
}

// In /tmp anybody may have put one there, and hold its locks.
TEST_F(UidPools, DoNotTrustALockFileOfSomebodyElse) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a file away";
  directory_.write("uids.lock", "");
  ASSERT_EQ(::chown((directory_.path() + "/uids.lock").c_str(), 5, 0), 0);
  EXPECT_FALSE(UidPool::open(directory_.path() + "/uids.lock", {kFirst, 1}));
}

TEST_F(UidPools, ThatAreExhaustedSayWhatToDo) {
  UidPool pool = open({kFirst, 2});
  take_all(pool);
  const auto uid = pool.take();
  ASSERT_FALSE(uid);
  EXPECT_EQ(uid.error().message, "all 2 uids of the range are taken (herd.json: uids.count)");
}

TEST_F(UidPools, AnEmptyRangeHasNone) {
  EXPECT_FALSE(open({kFirst, 0}).take());
}

TEST_F(UidPools, GiveAUidAgainOnlyAfterAllTheOthers) {
  UidPool pool = open({kFirst, 3});
  std::vector<std::uint32_t> given;
  for (int i = 0; i < 6; ++i) {
    given.push_back(pool.take().value_or(0));
    pool.give_back(given.back());
  }
  EXPECT_EQ(given,
            (std::vector<std::uint32_t>{kFirst, kFirst + 1, kFirst + 2, kFirst, kFirst + 1, kFirst + 2}));
}

TEST_F(UidPools, AUidThatIsTakenIsSkipped) {
  UidPool pool = open({kFirst, 3});
  ASSERT_EQ(pool.take().value_or(0), kFirst);
  const std::uint32_t second = pool.take().value_or(0);
  pool.give_back(second);
  EXPECT_EQ(take_all(pool), (std::set<std::uint32_t>{kFirst + 1, kFirst + 2}));
}

TEST_F(UidPools, OnOneFileNeverGiveTheSame) {
  UidPool first = open({kFirst, 6});
  UidPool second = open({kFirst, 6});
  std::set<std::uint32_t> given;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(given.insert(first.take().value_or(0)).second);
    EXPECT_TRUE(given.insert(second.take().value_or(0)).second);
  }
  EXPECT_EQ(given.size(), 6U);
  EXPECT_FALSE(first.take());
  EXPECT_FALSE(second.take());
}

TEST_F(UidPools, WithOverlappingRangesNeverGiveTheSame) {
  UidPool first = open({kFirst, 4});
  UidPool second = open({kFirst + 2, 4});
  EXPECT_EQ(take_all(first).size(), 4U);
  EXPECT_EQ(take_all(second), (std::set<std::uint32_t>{kFirst + 4, kFirst + 5}));
}

TEST_F(UidPools, WhatOneGivesBackTheOtherMayGive) {
  UidPool first = open({kFirst, 1});
  UidPool second = open({kFirst, 1});
  ASSERT_TRUE(first.take());
  EXPECT_FALSE(second.take());
  first.give_back(kFirst);
  EXPECT_EQ(second.take().value_or(0), kFirst);
}

TEST_F(UidPools, AUidThatWasNotTakenHereIsNotGivenBack) {
  UidPool first = open({kFirst, 1});
  UidPool second = open({kFirst, 1});
  ASSERT_TRUE(first.take());
  second.give_back(kFirst);
  EXPECT_FALSE(second.take());
}

TEST_F(UidPools, ThoseOfADaemonThatIsGoneAreFree) {
  std::optional<UidPool> gone = open({kFirst, 2});
  take_all(*gone);
  UidPool next = open({kFirst, 2});
  EXPECT_FALSE(next.take());
  gone.reset();
  EXPECT_EQ(take_all(next).size(), 2U);
}

TEST_F(UidPools, DoNotFollowASymbolicLink) {
  const std::string link = directory_.path() + "/link";
  ASSERT_EQ(symlink("/dev/null", link.c_str()), 0);
  const auto pool = UidPool::open(link, {kFirst, 1});
  ASSERT_FALSE(pool);
  EXPECT_EQ(pool.error().errno_value, ELOOP);
}

}  // namespace
}  // namespace herd::worker
