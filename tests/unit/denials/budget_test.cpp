#include "daemon/denials/budget.hpp"

#include <gtest/gtest.h>

namespace herd::denials {
namespace {

using namespace std::chrono_literals;

constexpr BudgetLimits kLimits{.worker_burst = 10,
                               .worker_per_second = 5,
                               .total_burst = 30,
                               .total_per_second = 20,
                               .cost_when_short = 5};

class DenialBudget : public ::testing::Test {
 protected:
  int spend_until_held(Budget::Bucket& worker, int most = 1000) {
    int spent = 1;
    while (budget_.spend(worker, now_) && spent < most) ++spent;
    return spent;
  }
  Budget::Time now_{};
  Budget budget_{kLimits, now_};
};

TEST_F(DenialBudget, AWorkerHasItsBurstAndThenItsRate) {
  auto worker = budget_.full_bucket(now_);
  EXPECT_EQ(spend_until_held(worker), 10);
  EXPECT_FALSE(budget_.spend(worker, now_));
  now_ += 1s;
  EXPECT_EQ(spend_until_held(worker), 5);
  now_ += 1h;
  EXPECT_EQ(spend_until_held(worker), 10) << "no more than a burst is saved up";
}

TEST_F(DenialBudget, ACalmWorkerIsNeverHeld) {
  auto worker = budget_.full_bucket(now_);
  for (int i = 0; i < 1000; ++i, now_ += 250ms) EXPECT_TRUE(budget_.spend(worker, now_));
}

TEST_F(DenialBudget, WhileAllTogetherMakeTooManyEachHasLess) {
  for (int i = 0; i < 3; ++i) {
    auto busy = budget_.full_bucket(now_);
    EXPECT_EQ(spend_until_held(busy), 10);
  }
  auto late = budget_.full_bucket(now_), calm = budget_.full_bucket(now_);
  EXPECT_EQ(spend_until_held(late), 2);
  EXPECT_TRUE(budget_.spend(calm, now_));
  now_ += 10s;
  EXPECT_EQ(spend_until_held(late), 10);
}

TEST_F(DenialBudget, AClockThatStandsStillGivesNothing) {
  auto worker = budget_.full_bucket(now_);
  spend_until_held(worker);
  EXPECT_FALSE(budget_.spend(worker, now_ - 1s));
}

}  // namespace
}  // namespace herd::denials
