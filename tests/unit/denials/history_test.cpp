#include "daemon/denials/history.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace herd::denials {
namespace {

using namespace std::chrono_literals;

class DenialHistory : public ::testing::Test {
 protected:
  static Denied denied(std::int64_t number, std::uint64_t count, WallTime at = WallTime(100s)) {
    return {{1, number, 2, "/bin/a"}, "comm", count, at, at};
  }
  std::vector<History::Told> add(std::vector<Denied> list, std::uint64_t others = 0) {
    return history_.add({std::move(list), others, {}, 0}, wall_, now_);
  }
  static std::uint64_t sum(const std::vector<History::Told>& told) {
    return std::accumulate(told.begin(), told.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const auto& one) { return sum + one.count; });
  }
  History history_;
  WallTime wall_{100s};
  SteadyTime now_{};
};

TEST_F(DenialHistory, TheFirstOfAKindIsToldAtOnceAndRepeatsAsSumsEverMoreSeldom) {
  const auto first = add({denied(1, 3)});
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].count, 3U);
  EXPECT_FALSE(history_.next());
  EXPECT_TRUE(add({denied(1, 5)}).empty());
  EXPECT_EQ(add({denied(2, 1)}).size(), 1U) << "another kind";
  EXPECT_EQ(history_.next(), now_ + 10s);
  now_ += 10s;
  const auto sums = history_.due(now_);
  ASSERT_EQ(sums.size(), 1U);
  EXPECT_EQ(sums[0].count, 5U);
  EXPECT_EQ(sums[0].entry.count, 8U);
  add({denied(1, 1)});
  EXPECT_EQ(history_.next(), now_ + 20s);
  for (int i = 0; i < 20; ++i) {
    now_ = history_.next().value();
    EXPECT_EQ(history_.due(now_).size(), 1U);
    add({denied(1, 1)});
  }
  EXPECT_EQ(history_.next(), now_ + 10min) << "the longest pause";
  EXPECT_EQ(history_.total(), 3U + 5 + 1 + 1 + 20);
}

TEST_F(DenialHistory, WhatComesAfterALongQuietTimeIsToldAtOnce) {
  add({denied(1, 1)});
  now_ += 1h;
  EXPECT_EQ(sum(add({denied(1, 1)})), 1U);
}

TEST_F(DenialHistory, ManyKindsAreBoundedAndCounted) {
  std::vector<Denied> list;
  for (std::int64_t i = 0; i < 50; ++i) list.push_back(denied(i, 2));
  const auto told = add(list, 7);
  EXPECT_EQ(history_.entries().size(), kMaxKinds + 1);
  EXPECT_EQ(sum(told), 107U);
  EXPECT_FALSE(told.back().entry.kind);
  EXPECT_EQ(told.back().count, 18U * 2 + 7);
}

TEST_F(DenialHistory, WhatIsAskedForAtTheEndIsAll) {
  add({denied(1, 1)});
  add({denied(1, 4)});
  EXPECT_TRUE(history_.due(now_).empty());
  EXPECT_EQ(sum(history_.due(now_, true)), 4U);
  EXPECT_FALSE(history_.next());
}

TEST_F(DenialHistory, ACallIsOfTheSessionOfItsTime) {
  history_.begin_session("one", WallTime(200s));
  const auto told = add({denied(1, 1, WallTime(100s)), denied(2, 1, WallTime(200s))});
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].entry.session, "");
  EXPECT_EQ(told[1].entry.session, "one");
  add({denied(2, 5, WallTime(201s))});
  EXPECT_EQ(sum(history_.begin_session("two", WallTime(300s))), 5U) << "what was not told of the one before";
  EXPECT_EQ(history_.entries().size(), 1U) << "what it did before it had a session is kept";
  EXPECT_EQ(add({denied(2, 1, WallTime(250s))}).at(0).entry.session, "one") << "it was on its way";
  EXPECT_EQ(add({denied(3, 1, WallTime(300s) - 5ms)}).at(0).entry.session, "two") << "the clock is coarse";
}

}  // namespace
}  // namespace herd::denials
