#include "common/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace herd {
namespace {

using ::testing::ElementsAre;

TEST(Text, IsTrimmedAtItsEnd) {
  EXPECT_EQ(trimmed(" a b \n"), " a b");
  EXPECT_EQ(trimmed(std::string("a\0", 2)), "a");
  EXPECT_EQ(trimmed("\n"), "");
}

TEST(Text, IsSplitWithoutEmptyParts) {
  EXPECT_THAT(split("/a::/b:", ':'), ElementsAre("/a", "/b"));
  EXPECT_THAT(split("", ':'), ElementsAre());
  EXPECT_THAT(split("one", ':'), ElementsAre("one"));
}

TEST(Text, IsReplacedOnceWhereItStands) {
  std::string text = "a-a";
  replace_all(text, "a", "aa");  // what is put in is not looked at again
  EXPECT_EQ(text, "aa-aa");
}

}  // namespace
}  // namespace herd
