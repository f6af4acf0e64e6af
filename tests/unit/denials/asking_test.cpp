// Calls of a thread of this process, answered by another one.
#include "daemon/denials/asking.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/denials/interrupter.hpp"
#include "tests/support/needs.hpp"
#include "tests/unit/denials/asker.hpp"

namespace herd::denials {
namespace {

using namespace std::chrono_literals;
using test::Asker;

constexpr std::uint32_t kError = SECCOMP_RET_ERRNO | EXDEV;

class DenialAsking : public ::testing::Test {
 protected:
  void SetUp() override { HERD_NEEDS(test::can_ask(), "a filter that asks, on a thread"); }
  static std::shared_ptr<Asking> asking(UniqueFd listener, std::uint32_t answer) {
    return Asking::make(7, std::move(listener), test::filter_of(answer), {}).value();
  }
  /// The record of its one call.
  static Record answer_one(Asking& asking) {
    pollfd readable{asking.fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&readable, 1, -1), 1);
    auto record = asking.answer_one();
    EXPECT_TRUE(record && *record);
    EXPECT_FALSE(asking.shares_listener());
    return record && *record ? **record : Record{};
  }
};

TEST_F(DenialAsking, AnErrorIsTheFiltersAndTheRecordTellsOfTheCall) {
  Asker asker(1);
  const auto asking = this->asking(asker.listener(), kError);
  EXPECT_EQ(asking->key(), 7U);
  const Record record = answer_one(*asking);
  EXPECT_EQ(asker.results(), std::set<int>{EXDEV});
  EXPECT_EQ(record.number, Asker::kCall);
  EXPECT_EQ(record.code, static_cast<std::uint32_t>(SECCOMP_RET_ERRNO));
  EXPECT_NE(record.pid, ::getpid()) << "the thread's number";
  EXPECT_TRUE(record.exe.ends_with("unit_denials")) << record.exe;
  EXPECT_TRUE(record.arguments.has_value());
  EXPECT_EQ(record.signal, 0);
}

TEST_F(DenialAsking, ALoggedCallIsMade) {
  Asker asker(1);
  const auto asking = this->asking(asker.listener(), SECCOMP_RET_LOG);
  EXPECT_EQ(answer_one(*asking).code, static_cast<std::uint32_t>(SECCOMP_RET_LOG));
  EXPECT_EQ(asker.results(), std::set<int>{0});
}

TEST_F(DenialAsking, WhatNoCheckedFilterSaysIsAnError) {
  Asker asker(1);
  const auto asking = this->asking(asker.listener(), SECCOMP_RET_ALLOW);
  answer_one(*asking);
  EXPECT_EQ(asker.results(), std::set<int>{EPERM});
}

TEST_F(DenialAsking, ACallThatSomebodyElseTookIsNotWaitedForLong) {
  Asker asker(1);
  const auto asking = this->asking(asker.listener(), kError);
  auto thief = seccomp::Listener::make(asker.listener()).value();
  const seccomp_notif* call = thief.receive();
  ASSERT_NE(call, nullptr);
  Interrupter interrupter;
  interrupter.set();
  const auto begin = std::chrono::steady_clock::now();
  const auto record = asking->answer_one();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
  EXPECT_TRUE(record && !*record);
  EXPECT_TRUE(asking->shares_listener());
  thief.fail_call(call->id, EDOM);
  EXPECT_EQ(asker.results(), std::set<int>{EDOM});
}

TEST_F(DenialAsking, IsMadeOfAListenerAlone) {
  const auto made = Asking::make(7, UniqueFd(::eventfd(0, EFD_CLOEXEC)), test::filter_of(kError), {});
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("no listener"), std::string::npos) << made.error().message;
}

}  // namespace
}  // namespace herd::denials
