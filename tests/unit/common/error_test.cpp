#include "common/error.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace herd {
namespace {

Status open_it() {
  errno = EACCES;
  return fail_errno("open");
}

Status mount_it() {
  if (auto opened = open_it(); !opened) return fail_in("mount '/srv/data'", opened.error());
  return {};
}

Status start_it() {
  if (auto mounted = mount_it(); !mounted) return fail_in("start 'web'", mounted.error());
  return {};
}

TEST(Errors, ReadAsASentenceWithTheOuterClauseFirst) {
  const Status started = start_it();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message, "start 'web': mount '/srv/data': open: Permission denied");
}

TEST(Errors, KeepTheirErrnoThroughAllClauses) {
  const Status started = start_it();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().errno_value, EACCES);
}

TEST(Errors, WithoutAnErrnoSayOnlyTheirSentence) {
  const Status failed = fail("no such pool");
  EXPECT_EQ(failed.error().message, "no such pool");
  EXPECT_EQ(failed.error().errno_value, 0);
}

TEST(Errors, TakeAnErrnoThatIsHandedIn) {
  errno = EACCES;
  const Status failed = fail_errno("clone3", EBUSY);
  EXPECT_EQ(failed.error().message, "clone3: Device or resource busy");
  EXPECT_EQ(failed.error().errno_value, EBUSY);
}

Result<std::unique_ptr<int>> make(int& calls, bool works) {
  ++calls;
  if (!works) return fail_errno("make", ENOSPC);
  return std::make_unique<int>(7);
}

Result<int> use(int& calls, bool works) {
  HERD_TRY(const std::unique_ptr<int> made, make(calls, works));
  return *made;
}

TEST(HerdTry, MovesTheValueOutAndEvaluatesOnce) {
  int calls = 0;
  const auto used = use(calls, true);
  ASSERT_TRUE(used);
  EXPECT_EQ(*used, 7);
  EXPECT_EQ(calls, 1);
}

TEST(HerdTry, ReturnsTheErrorUnchanged) {
  int calls = 0;
  const auto used = use(calls, false);
  ASSERT_FALSE(used);
  EXPECT_EQ(used.error().message, "make: No space left on device");
  EXPECT_EQ(used.error().errno_value, ENOSPC);
  EXPECT_EQ(calls, 1);
}

Status check(int& calls, bool works, bool& went_on) {
  HERD_CHECK(make(calls, works));
  went_on = true;
  return {};
}

TEST(HerdCheck, GoesOnOnlyAfterSuccess) {
  int calls = 0;
  bool went_on = false;
  EXPECT_FALSE(check(calls, false, went_on));
  EXPECT_FALSE(went_on);
  EXPECT_TRUE(check(calls, true, went_on));
  EXPECT_TRUE(went_on);
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace herd
