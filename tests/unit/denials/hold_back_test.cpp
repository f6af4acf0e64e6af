// With files in place of cgroups' freezers.
#include "daemon/denials/hold_back.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "common/kernel/files.hpp"
#include "common/kernel/seqpacket.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::denials {
namespace {

using namespace std::chrono_literals;

class DenialHoldBack : public ::testing::Test {
 protected:
  std::shared_ptr<Watched> worker(const std::string& name) {
    auto watched = std::make_shared<Watched>();
    watched->key = ++last_key_;
    const std::string path = directory_.path() + "/" + name;
    watched->freezer =
        kernel::Freezer(UniqueFd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)), true);
    return watched;
  }
  std::string state_of(const std::string& name) {
    return kernel::read_file(directory_.path() + "/" + name).value_or("");
  }
  Result<HoldBack::Guard> start_guard() {
    if (!guard_starts_) return fail("no more processes");
    ++guards_;
    HERD_TRY(auto line, kernel::seqpacket_pair());
    guards_end_ = std::move(line[1]);
    return HoldBack::Guard{std::move(line[0]), [this] { ++guards_ended_; }};
  }
  bool hold(const std::shared_ptr<Watched>& watched) {
    return hold_back_.hold(watched, now_).value_or(false);
  }

  test::TemporaryDirectory directory_;
  std::mutex mutex_;
  WorkerKey last_key_ = 0;
  bool guard_starts_ = true;
  int guards_ = 0, guards_ended_ = 0;
  UniqueFd guards_end_;
  SteadyTime now_{SteadyTime{} + 1h};
  HoldBack hold_back_{mutex_, [this] { return start_guard(); }};
};

TEST_F(DenialHoldBack, FreezesForASecond) {
  const auto one = worker("one");
  EXPECT_TRUE(hold(one));
  EXPECT_EQ(state_of("one"), "1");
  EXPECT_FALSE(hold(one)) << "it is held";
  EXPECT_EQ(hold_back_.next(), now_ + HoldBack::kHold);
  (void)hold_back_.thaw_due(now_ + HoldBack::kHold - 1ms);
  EXPECT_EQ(state_of("one"), "1");
  now_ += HoldBack::kHold;
  (void)hold_back_.thaw_due(now_);
  EXPECT_EQ(state_of("one"), "0");
  EXPECT_TRUE(hold(one));
  EXPECT_EQ(state_of("one"), "1");
}

TEST_F(DenialHoldBack, TheGuardHasTheFileBeforeItIsWrittenAndEndsAfterAQuietTime) {
  const auto one = worker("one"), two = worker("two");
  EXPECT_EQ(hold_back_.next(), std::nullopt);
  EXPECT_TRUE(hold(one));
  EXPECT_TRUE(hold(two));
  EXPECT_EQ(guards_, 1);
  for (int i = 0; i < 2; ++i) {
    const auto message = kernel::receive_message(guards_end_.get(), false);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->text, "0");
    EXPECT_EQ(message->fds.size(), 1U);
  }
  now_ += HoldBack::kHold;
  (void)hold_back_.thaw_due(now_);
  EXPECT_TRUE(hold(one));
  EXPECT_FALSE(kernel::receive_message(guards_end_.get(), false)) << "it has that file already";
  now_ += HoldBack::kHold;
  (void)hold_back_.thaw_due(now_);
  EXPECT_EQ(guards_ended_, 0);
  now_ = hold_back_.next().value();
  (void)hold_back_.thaw_due(now_);
  EXPECT_EQ(guards_ended_, 1);
  EXPECT_EQ(hold_back_.next(), std::nullopt);
}

TEST_F(DenialHoldBack, NobodyIsFrozenWithoutAGuard) {
  guard_starts_ = false;
  const auto one = worker("one");
  EXPECT_FALSE(hold_back_.hold(one, now_));
  EXPECT_EQ(state_of("one"), "");
}

TEST_F(DenialHoldBack, AGuardThatIsGoneGetsASuccessor) {
  const auto one = worker("one"), two = worker("two");
  EXPECT_TRUE(hold(one));
  guards_end_.reset();
  EXPECT_FALSE(hold(two));
  EXPECT_EQ(state_of("two"), "");
  EXPECT_TRUE(hold(two));
  EXPECT_EQ(guards_, 2);
}

TEST_F(DenialHoldBack, WhoIsThawedInBetweenOrMayNotBeHeldRuns) {
  const auto one = worker("one"), two = worker("two");
  EXPECT_TRUE(hold(one));
  EXPECT_TRUE(thaw(*one));
  EXPECT_EQ(state_of("one"), "0");
  two->may_be_held = false;
  EXPECT_FALSE(hold(two));
  EXPECT_EQ(state_of("two"), "");
  (void)hold_back_.thaw_due(now_);
  EXPECT_TRUE(hold(one)) << "again, as it goes on";
}

TEST_F(DenialHoldBack, WhoCantBeThawedIsToldOfAndTriedAgain) {
  const auto one = worker("one");
  EXPECT_TRUE(hold(one));
  const std::string path = directory_.path() + "/one";
  kernel::Freezer good =
      std::exchange(one->freezer, kernel::Freezer(UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC)), true));
  now_ += HoldBack::kHold;
  const Status thawed = hold_back_.thaw_due(now_);
  ASSERT_FALSE(thawed);
  EXPECT_NE(thawed.error().message.find("stays frozen"), std::string::npos) << thawed.error().message;
  EXPECT_EQ(hold_back_.next(), now_ + HoldBack::kHold);
  one->freezer = std::move(good);
  now_ += HoldBack::kHold;
  EXPECT_TRUE(hold_back_.thaw_due(now_));
  EXPECT_EQ(state_of("one"), "0");
}

TEST_F(DenialHoldBack, TheEndThawsAll) {
  const auto one = worker("one"), two = worker("two");
  EXPECT_TRUE(hold(one));
  EXPECT_TRUE(hold(two));
  hold_back_.end();
  EXPECT_EQ(state_of("one") + state_of("two"), "00");
  EXPECT_EQ(guards_ended_, 1);
}

}  // namespace
}  // namespace herd::denials
