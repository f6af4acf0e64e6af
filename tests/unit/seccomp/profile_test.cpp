#include "common/seccomp/profile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace herd::seccomp {
namespace {

using testing::HasSubstr;

Profile with(ArgCondition condition) {
  return {"p", {{{"read"}, Action::allow, {condition}}}};
}

TEST(Profile, TakesWhatCanBeMeant) {
  EXPECT_TRUE(validate(Profile{"empty", {}}));
  EXPECT_TRUE(validate(with({5, Compare::less, 7})));
  EXPECT_TRUE(validate(with(low32(0, 0xffff'ffff))));
}

TEST(Profile, RefusesAnArgumentThatNoCallHas) {
  const auto status = validate(with({6, Compare::equal, 1}));
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("rule for read: argument 6"));
}

TEST(Profile, RefusesAMaskThatDecidesNothing) {
  EXPECT_FALSE(validate(with({0, Compare::masked_equal, 0, 0})));
  const auto never = validate(with({0, Compare::masked_equal, 0x101, 0xff}));
  ASSERT_FALSE(never);
  EXPECT_THAT(never.error().message, HasSubstr("arg0 & 0xff == 0x101: can never hold"));
}

TEST(Profile, RefusesARuleWithoutNames) {
  EXPECT_FALSE(validate(Profile{"p", {{{}, Action::allow, {}}}}));
}

TEST(Profile, BoundsTheConditionsOfARule) {
  Profile profile{"p", {{{"read"}, Action::allow, {kMaxConditions, {0, Compare::not_equal, 1}}}}};
  EXPECT_TRUE(validate(profile));
  profile.rules[0].conditions.push_back({0, Compare::not_equal, 2});
  EXPECT_FALSE(validate(profile));
}

TEST(Profile, DescribesConditions) {
  EXPECT_EQ(describe({2, Compare::greater_equal, 16}), "arg2 >= 0x10");
  EXPECT_EQ(describe(low32(1, 0x5412)), "arg1 & 0xffffffff == 0x5412");
}

}  // namespace
}  // namespace herd::seccomp
