// The ids of user namespaces, from the texts of uid_map and /etc/subuid.
#include "common/kernel/id_map.hpp"

#include <gtest/gtest.h>

#include "common/kernel/user_namespace.hpp"

namespace herd::kernel {
namespace {

IdMap map_of(const std::string& text) {
  auto map = IdMap::parse(text);
  EXPECT_TRUE(map) << text;
  return map.value_or(IdMap());
}

const char* const kUsers = "         0       1000          1\n    100000     100000      65536\n";

TEST(IdMaps, TheHostsOwnHasEveryIdAsItself) {
  const IdMap map = map_of("         0          0 4294967295\n");
  EXPECT_TRUE(map.has_all());
  EXPECT_EQ(map.outside(65534), 65534U);
  EXPECT_EQ(map.inside(4294967295), std::nullopt) << "no id: it says no change";
  EXPECT_TRUE(IdMap().has_all());
}

TEST(IdMaps, AnIdHasItsPlaceInOneOfTheRanges) {
  const IdMap map = map_of(kUsers);
  EXPECT_FALSE(map.has_all());
  EXPECT_EQ(map.outside(0), 1000U);
  EXPECT_EQ(map.inside(1000), 0U);
  EXPECT_EQ(map.outside(1), std::nullopt);
  EXPECT_EQ(map.inside(0), std::nullopt) << "the host's root";
  EXPECT_EQ(map.outside(165535), 165535U);
  EXPECT_EQ(map.outside(165536), std::nullopt);
}

TEST(IdMaps, ASpanIsThereOnlyAsAWhole) {
  const IdMap map = map_of(kUsers);
  EXPECT_TRUE(map.has(100000, 65536));
  EXPECT_FALSE(map.has(100000, 65537));
  EXPECT_FALSE(map.has(99999, 2));
  EXPECT_FALSE(map.has(0, 2));
}

TEST(IdMaps, WhatIsNoMapIsAnError) {
  for (const char* text : {"x", "0 0 1 y", "0 -1 z"}) EXPECT_FALSE(IdMap::parse(text)) << text;
  EXPECT_TRUE(map_of("").ranges().empty()) << "not yet written";
}

TEST(SubordinateIds, AreTheUsersByNameOrByNumber) {
  const std::string text =
      "alice:100000:65536\n# a comment\nbob:200000:10\n1000:300000:20\nalice:bad:1\nalice:7\n";
  const auto spans = subordinate_ids(text, "alice", 1000);
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[0].first, 100000U);
  EXPECT_EQ(spans[0].count, 65536U);
  EXPECT_EQ(spans[1].first, 300000U);
  EXPECT_EQ(subordinate_ids(text, "", 1001).size(), 0U)
      << "a user without a name is not the one of an empty line";
}

TEST(SubordinateIds, ThatDoNotFitInAreNone) {
  EXPECT_TRUE(subordinate_ids("a:4294967290:65536\na:1:0\na:99999999999:1\n", "a", 5).empty());
}

TEST(LongestSpan, GoesAroundTheHoles) {
  const auto span = longest_without({{65530, 10}, {10, 3}}, {65534, 0});
  ASSERT_TRUE(span);
  EXPECT_EQ(span->first, 65535U);
  EXPECT_EQ(span->count, 5U);
  EXPECT_FALSE(longest_without({{5, 1}}, {5}));
  EXPECT_FALSE(longest_without({}, {}));
}

OwnIds rootless() {
  OwnIds ids;
  ids.uids = map_of(kUsers);
  ids.gids = map_of("0 100 1\n100000 500000 1000\n");
  ids.is_rootless = true;
  return ids;
}

TEST(Ids, OfAnOrdinaryUsersHerddMeanTheHostsAccounts) {
  const OwnIds ids = rootless();
  EXPECT_EQ(ids.account_uid(0), 1000U);
  EXPECT_EQ(ids.uid_of_account(1000), 0U);
  EXPECT_EQ(ids.uid_of_account(0), std::nullopt);
  EXPECT_EQ(ids.account_uid(100005), 100005U) << "the same number";
  EXPECT_EQ(ids.account_gid(0), 100U);
}

// The number that the kernel shows for everybody else is nobody's.
TEST(Ids, TheOverflowIdIsNobody) {
  const OwnIds ids = rootless();
  EXPECT_TRUE(ids.is_unmapped(65534));
  EXPECT_EQ(ids.account_uid(65534), std::nullopt);
  OwnIds container;
  container.uids = map_of("0 100000 65536\n");
  EXPECT_TRUE(container.is_unmapped(65534)) << "it may be the container's nobody, and anybody else";
  EXPECT_FALSE(OwnIds().is_unmapped(65534)) << "on the host it is the account nobody";
}

TEST(Ids, ForWorkersAreThoseThatAreBothUidAndGid) {
  const auto spare = rootless().spare_ids();
  ASSERT_TRUE(spare);
  EXPECT_EQ(spare->first, 100000U);
  EXPECT_EQ(spare->count, 1000U);
  OwnIds alone = rootless();
  alone.gids = map_of("0 100 1\n");
  EXPECT_FALSE(alone.spare_ids());
}

}  // namespace
}  // namespace herd::kernel
