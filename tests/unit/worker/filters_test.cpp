#include "daemon/worker/filters.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <sys/stat.h>

namespace herd::worker {
namespace {

using enum config::SeccompPolicy;

TEST(Filters, PolicyOffHasNone) {
  Filters filters;
  const auto filter = filters.get({.policy = off, .profile = "no-such-profile"});
  ASSERT_TRUE(filter) << filter.error().message;
  EXPECT_EQ(*filter, nullptr);
}

TEST(Filters, AreCompiledOnceForAProfileAndPolicy) {
  Filters filters;
  const auto first = filters.get({.policy = errno_, .profile = "worker"});
  ASSERT_TRUE(first) << first.error().message;
  const auto again =
      filters.get({.policy = errno_, .profile = "worker", .enter = config::SeccompEnter::exec});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(first->get(), again->get());
  const auto other = filters.get({.policy = kill, .profile = "worker"});
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_NE(first->get(), other->get());
}

TEST(Filters, HoldWholeInstructions) {
  Filters filters;
  const auto filter = filters.get({.policy = errno_, .profile = "worker"});
  ASSERT_TRUE(filter) << filter.error().message;
  struct stat info {};
  ASSERT_EQ(fstat((*filter)->get(), &info), 0);
  EXPECT_GT(info.st_size, 0);
  EXPECT_EQ(info.st_size % static_cast<off_t>(sizeof(sock_filter)), 0);
}

// What failed once must not be remembered as "no filter".
TEST(Filters, AnUnknownProfileIsAnErrorEachTime) {
  Filters filters;
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(filters.get({.policy = errno_, .profile = "no-such-profile"}));
}

}  // namespace
}  // namespace herd::worker
