#include "common/ring.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace herd {
namespace {

constexpr std::size_t kNoBound = 1'000'000;

Ring<std::string> filled(std::size_t count, std::size_t max_items, std::size_t max_bytes,
                         std::size_t bytes_each) {
  Ring<std::string> ring(max_items, max_bytes);
  for (std::size_t i = 1; i <= count; ++i) ring.append(std::to_string(i), bytes_each);
  return ring;
}

TEST(Ring, NumbersItemsFromOneInOrder) {
  Ring<std::string> ring(3, kNoBound);
  EXPECT_EQ(ring.last(), 0U);
  EXPECT_EQ(ring.append("a", 1), 1U);
  EXPECT_EQ(ring.append("b", 1), 2U);
  const auto slice = ring.read(0, 10);
  EXPECT_EQ(slice.first, 1U);
  EXPECT_EQ(slice.lost, 0U);
  EXPECT_EQ(slice.items, (std::vector<std::string>{"a", "b"}));
}

TEST(Ring, KeepsAllAtTheBoundOfItems) {
  const auto slice = filled(3, 3, kNoBound, 1).read(0, 10);
  EXPECT_EQ(slice.items.size(), 3U);
  EXPECT_EQ(slice.lost, 0U);
}

TEST(Ring, OnePastTheBoundOfItemsLosesTheOldestAndSaysSo) {
  const auto slice = filled(4, 3, kNoBound, 1).read(0, 10);
  EXPECT_EQ(slice.items, (std::vector<std::string>{"2", "3", "4"}));
  EXPECT_EQ(slice.lost, 1U);
  EXPECT_EQ(slice.first, 2U);
}

TEST(Ring, KeepsAllAtTheBoundOfBytes) {
  EXPECT_EQ(filled(4, 100, 40, 10).read(0, 10).items.size(), 4U);
}

TEST(Ring, OnePastTheBoundOfBytesLosesAsManyAsItTakes) {
  Ring<std::string> ring = filled(4, 100, 40, 10);
  ring.append("big", 21);
  const auto slice = ring.read(0, 10);
  EXPECT_EQ(slice.items, (std::vector<std::string>{"4", "big"}));
  EXPECT_EQ(slice.lost, 3U);
}

TEST(Ring, AnItemAboveTheBoundOfBytesIsKeptAlone) {
  Ring<std::string> ring = filled(2, 100, 40, 10);
  ring.append("huge", 41);
  EXPECT_EQ(ring.read(0, 10).items, (std::vector<std::string>{"huge"}));
  ring.append("small", 1);
  EXPECT_EQ(ring.read(0, 10).items, (std::vector<std::string>{"small"}));
}

TEST(Ring, AReaderThatFellBehindIsToldExactlyHowMuch) {
  const auto ring = filled(10, 3, kNoBound, 1);  // 8 9 10 are left
  EXPECT_EQ(ring.read(5, 10).lost, 2U);          // 6 and 7
  EXPECT_EQ(ring.read(6, 10).lost, 1U);
  EXPECT_EQ(ring.read(7, 10).lost, 0U);
  EXPECT_EQ(ring.read(7, 10).first, 8U);
}

TEST(Ring, AReaderAtTheEndOrBeyondGetsNothing) {
  const auto ring = filled(3, 3, kNoBound, 1);
  for (const std::uint64_t since : {3U, 4U, 100U}) {
    const auto slice = ring.read(since, 10);
    EXPECT_TRUE(slice.items.empty()) << since;
    EXPECT_EQ(slice.lost, 0U) << since;
  }
}

TEST(Ring, GivesAtMostWhatWasAskedForAndGoesOnFromThere) {
  const auto ring = filled(5, 5, kNoBound, 1);
  const auto first = ring.read(0, 2);
  EXPECT_EQ(first.items, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(ring.read(first.first + first.items.size() - 1, 2).items, (std::vector<std::string>{"3", "4"}));
}

TEST(RingSubscription, IsCalledAfterEachAppend) {
  Ring<int> ring(3, kNoBound);
  std::vector<std::uint64_t> seen;
  const auto subscription = ring.subscribe([&] { seen.push_back(ring.last()); });
  ring.append(7, 1);
  ring.append(8, 1);
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{1, 2}));
}

TEST(RingSubscription, EndsWithItsLife) {
  Ring<int> ring(3, kNoBound);
  int calls = 0;
  {
    const auto subscription = ring.subscribe([&] { ++calls; });
    ring.append(1, 1);
  }
  ring.append(2, 1);
  EXPECT_EQ(calls, 1);
}

TEST(RingSubscription, MovesWithItsOwner) {
  Ring<int> ring(3, kNoBound);
  int first = 0, second = 0;
  auto kept = ring.subscribe([&] { ++first; });
  {
    auto moved = ring.subscribe([&] { ++second; });
    kept = std::move(moved);  // ends the first
  }
  ring.append(1, 1);
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
}

TEST(RingSubscription, MayOutliveTheRing) {
  auto ring = std::make_unique<Ring<int>>(3, kNoBound);
  int calls = 0;
  {
    const auto subscription = ring->subscribe([&] { ++calls; });
    ring->append(1, 1);
    ring.reset();
  }
  EXPECT_EQ(calls, 1);
}

TEST(RingSubscription, AListenerMayEndItselfAndOthersWhileItIsCalled) {
  Ring<int> ring(3, kNoBound);
  std::vector<std::string> calls;
  std::optional<Ring<int>::Subscription> first, second, third;
  first = ring.subscribe([&] {
    calls.push_back("first");
    first.reset();
    second.reset();
  });
  second = ring.subscribe([&] { calls.push_back("second"); });
  third = ring.subscribe([&] { calls.push_back("third"); });
  ring.append(1, 1);
  ring.append(2, 1);
  EXPECT_EQ(calls, (std::vector<std::string>{"first", "third", "third"}));
}

}  // namespace
}  // namespace herd
