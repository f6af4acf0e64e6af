#include "daemon/worker/filters.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <sys/stat.h>

namespace herd::worker {
namespace {

using enum config::SeccompPolicy;

TEST(Filters, PolicyOffHasNone) {
  Filters filters;
  const auto filter = filters.get({.policy = off});
  ASSERT_TRUE(filter) << filter.error().message;
  EXPECT_EQ(filter->file, nullptr);
}

TEST(Filters, AreCompiledOnceForAProfileAndPolicy) {
  Filters filters;
  const auto first = filters.get({.policy = errno_});
  ASSERT_TRUE(first) << first.error().message;
  const auto again = filters.get({.policy = errno_, .enter = config::SeccompEnter::exec});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(first->file, again->file);
  const auto other = filters.get({.policy = kill});
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_NE(first->file, other->file);
}

TEST(Filters, HoldWholeInstructions) {
  Filters filters;
  const auto filter = filters.get({.policy = errno_});
  ASSERT_TRUE(filter) << filter.error().message;
  struct stat info {};
  ASSERT_EQ(fstat(filter->file->get(), &info), 0);
  EXPECT_GT(info.st_size, 0);
  EXPECT_EQ(info.st_size % static_cast<off_t>(sizeof(sock_filter)), 0);
}

TEST(Filters, ThatAskHaveTheOneThatAnswersBeside) {
  Filters filters;
  const auto plain = filters.get({.policy = kill});
  const auto asking = filters.get({.policy = kill, .denials = seccomp::Denials::notify});
  ASSERT_TRUE(plain && asking);
  EXPECT_NE(plain->file, asking->file);
  EXPECT_EQ(plain->answers, nullptr);
  ASSERT_NE(asking->answers, nullptr);
  EXPECT_EQ(asking->answers->denials, seccomp::Denials::audit);
}

config::SharedProfile denying(const std::string& call) {
  seccomp::Profile profile = *config::SharedProfile().value;
  profile.rules.push_back({{call}, seccomp::Action::kill, {}});
  return {std::make_shared<const seccomp::Profile>(profile)};
}

TEST(Filters, AreSharedByProfilesThatSayTheSame) {
  Filters filters;
  const auto first = filters.get({.policy = errno_, .rules = denying("read")}).value().file;
  EXPECT_EQ(filters.get({.policy = errno_, .rules = denying("read")}).value().file, first);
  EXPECT_NE(filters.get({.policy = errno_, .rules = denying("write")}).value().file, first);
}

// A profile that changes again and again must not leave its filters behind.
TEST(Filters, ThoseOfNoPoolAreDropped) {
  Filters filters;
  auto rules = denying("read");
  const std::weak_ptr<const UniqueFd> old = filters.get({.policy = errno_, .rules = rules}).value().file;
  EXPECT_FALSE(old.expired());
  rules = denying("write");
  ASSERT_TRUE(filters.get({.policy = errno_, .rules = rules}));
  EXPECT_TRUE(old.expired());
}

// What failed once must not be remembered as "no filter".
TEST(Filters, AProfileThatCantBeCompiledIsAnErrorEachTime) {
  Filters filters;
  seccomp::Profile profile{"bad", {{{"read"}, seccomp::Action::allow, {{9, seccomp::Compare::equal, 1}}}}};
  const config::SharedProfile bad{std::make_shared<const seccomp::Profile>(profile)};
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(filters.get({.policy = errno_, .rules = bad}));
}

}  // namespace
}  // namespace herd::worker
