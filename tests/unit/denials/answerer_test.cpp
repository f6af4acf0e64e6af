// The answering thread, with threads of this process in the place of workers.
#include "daemon/denials/answerer.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <condition_variable>

#include "tests/support/needs.hpp"
#include "tests/unit/denials/asker.hpp"

namespace herd::denials {
namespace {

using namespace std::chrono_literals;
using test::Asker;

constexpr auto kPatience = 60s;

/// What was reported so far.
class Reports {
 public:
  /// On the answering thread, which waits here while the gate is closed.
  void add(Answerer& answerer, const Answerer::Report& report) {
    {
      std::unique_lock lock(mutex_);
      is_at_gate_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return is_gate_open_; });
      is_at_gate_ = false;
      for (const auto& [key, news] : report.news) {
        for (const Denied& denied : news.denied) calls_[key] += denied.count;
        holds_[key] += news.holds;
        if (news.shares_listener) shared_.insert(key);
      }
      settled_ = std::max(settled_, report.settled);
    }
    changed_.notify_all();
    answerer.taken();
  }
  template <typename Condition>
  bool wait_until(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, condition);
  }
  bool wait_until_settled(std::uint64_t number) {
    return wait_until([&] { return settled_ >= number; });
  }
  void close_gate() {
    const std::lock_guard lock(mutex_);
    is_gate_open_ = false;
  }
  void wait_at_gate() {
    EXPECT_TRUE(wait_until([&] { return is_at_gate_; }));
  }
  void open_gate() {
    const std::lock_guard lock(mutex_);
    is_gate_open_ = true;
    changed_.notify_all();
  }
  bool wait_for_hold(WorkerKey key) {
    return wait_until([&] { return holds_[key] > 0; });
  }
  std::uint64_t calls(WorkerKey key) {
    const std::lock_guard lock(mutex_);
    return calls_[key];
  }
  bool any_shared() {
    const std::lock_guard lock(mutex_);
    return !shared_.empty();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<WorkerKey, std::uint64_t> calls_, holds_;
  std::set<WorkerKey> shared_;
  std::uint64_t settled_ = 0;
  bool is_gate_open_ = true, is_at_gate_ = false;
};

class DenialAnswerer : public ::testing::Test {
 protected:
  void SetUp() override {
    HERD_NEEDS(test::can_ask(), "a filter that asks, on a thread");
    answerer_ = std::make_unique<Answerer>(
        [this](const Answerer::Report& report) { reports_.add(*reports_to_, report); });
    reports_to_ = answerer_.get();
  }
  Asker& add(WorkerKey key, long calls) {
    Asker& asker = *askers_.emplace_back(std::make_unique<Asker>(calls));
    const auto now = std::chrono::steady_clock::now();
    const auto filter = test::filter_of(SECCOMP_RET_ERRNO | EXDEV);
    EXPECT_TRUE(answerer_->add(Asking::make(key, asker.listener(), filter, now).value()));
    return asker;
  }
  std::vector<std::unique_ptr<Asker>> askers_;  // which wait for the answerer: it goes first
  Reports reports_;
  std::unique_ptr<Answerer> answerer_;
  Answerer* reports_to_ = nullptr;  // the same, for its thread: also while it is being destroyed
};

TEST_F(DenialAnswerer, AnswersAllAndCountsThem) {
  Asker& one = add(1, 100);
  Asker& two = add(2, 50);
  EXPECT_EQ(one.results(), std::set<int>{EXDEV});
  EXPECT_EQ(two.results(), std::set<int>{EXDEV});
  EXPECT_TRUE(reports_.wait_until_settled(answerer_->settle()));
  EXPECT_EQ(reports_.calls(1), 100U);
  EXPECT_EQ(reports_.calls(2), 50U);
  EXPECT_FALSE(reports_.any_shared());
}

TEST_F(DenialAnswerer, WhatIsAskedForAfterItsEndFails) {
  Asker& asker = add(1, std::numeric_limits<long>::max());
  answerer_.reset();
  asker.call_no_more();
  askers_.clear();  // would wait for ever for an answer
}

TEST_F(DenialAnswerer, AStormIsAnsweredLateAndNobodyElseIs) {
  add(1, std::numeric_limits<long>::max());
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(reports_.wait_for_hold(1));
  EXPECT_TRUE(answerer_->was_held_since(1, begin));
  EXPECT_FALSE(answerer_->was_held_since(2, begin));
  EXPECT_EQ(add(2, 100).results(), std::set<int>{EXDEV});
}

bool has_call(int listener) {
  pollfd readable{listener, POLLIN, 0};
  return ::poll(&readable, 1, 0) == 1 && (readable.revents & POLLIN) != 0;
}

/// Many calls wait. The answerer has seen them all, and is at the first ones, when the last is taken by
/// somebody else, or is not: on a host with one processor that may come too late.
class DenialTaken : public DenialAnswerer {
 protected:
  bool take_one() {
    reports_.close_gate();
    add(kShared + 1, 1);
    reports_.wait_at_gate();
    for (WorkerKey key = 1; key <= kOthers; ++key) add(key, 1);
    const UniqueFd first = askers_[askers_.size() - kOthers]->listener();
    const UniqueFd last = add(kShared, 1).listener();
    thief_ = seccomp::Listener::make(askers_.back()->listener()).value();
    while (!has_call(first.get()) || !has_call(last.get())) std::this_thread::yield();
    reports_.open_gate();
    while (has_call(first.get())) {
    }
    const seccomp_notif* call = has_call(last.get()) ? thief_->receive() : nullptr;
    taken_ = call == nullptr ? 0 : call->id;
    return call != nullptr;
  }
  /// And to all others.
  void expect_answers_to_all() {
    if (taken_ != 0) thief_->fail_call(taken_, EDOM);
    EXPECT_EQ(askers_.back()->results(), std::set<int>{taken_ == 0 ? EXDEV : EDOM});
    askers_.pop_back();
    for (const auto& asker : askers_) EXPECT_EQ(asker->results(), std::set<int>{EXDEV});
    askers_.clear();
  }
  static constexpr WorkerKey kShared = 1000, kOthers = 40;
  static constexpr int kMostRounds = 100;
  std::optional<seccomp::Listener> thief_;
  std::uint64_t taken_ = 0;
};

TEST_F(DenialTaken, TheListenerIsDroppedAndTheOthersAreAnswered) {
  for (int round = 0; round < kMostRounds && !reports_.any_shared(); ++round) {
    take_one();
    EXPECT_TRUE(reports_.wait_until_settled(answerer_->settle())) << "it waits";
    expect_answers_to_all();
    for (WorkerKey key = 1; key <= kShared + 1; ++key) answerer_->remove(key);
  }
  EXPECT_TRUE(reports_.any_shared());
  EXPECT_EQ(add(1, 10).results(), std::set<int>{EXDEV});
}

TEST_F(DenialTaken, TheAnswerersEndDoesNotWait) {
  for (int round = 0; round < kMostRounds && !take_one(); ++round) {
    expect_answers_to_all();
    for (WorkerKey key = 1; key <= kShared + 1; ++key) answerer_->remove(key);
  }
  ASSERT_NE(taken_, 0U);
  answerer_.reset();  // would wait for ever
  thief_.reset();
}

}  // namespace
}  // namespace herd::denials
