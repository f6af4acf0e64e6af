#include "common/kernel/probe.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "common/unique_fd.hpp"

namespace herd::kernel {
namespace {

using namespace std::chrono_literals;

constexpr auto kLong = 60s;

TEST(Probe, SaysWhatTheAttemptSaw) {
  const auto seen = probe([]() -> Result<std::string> { return "pid " + std::to_string(getpid()); }, kLong);
  ASSERT_TRUE(seen);
  EXPECT_TRUE(seen->starts_with("pid "));
  EXPECT_NE(*seen, "pid " + std::to_string(getpid())) << "it has to run in a child";
}

TEST(Probe, KeepsTheErrorWithItsErrno) {
  const auto failed = probe([]() -> Result<std::string> { return fail_errno("try", EPERM); }, kLong);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "try: Operation not permitted");
  EXPECT_EQ(failed.error().errno_value, EPERM);
}

TEST(Probe, CarriesATextThatIsLargerThanAPipe) {
  const std::string large(1 << 20, 'x');
  const auto seen = probe([&]() -> Result<std::string> { return large; }, kLong);
  ASSERT_TRUE(seen);
  EXPECT_EQ(*seen, large);
}

TEST(Probe, AnAttemptThatASignalEndsIsAnError) {
  const auto killed = probe(
      []() -> Result<std::string> {
        raise(SIGKILL);
        return std::string();
      },
      kLong);
  ASSERT_FALSE(killed);
  EXPECT_EQ(killed.error().message, "the attempt was ended by Killed");
}

TEST(Probe, AnAttemptThatDoesNotEndIsEnded) {
  const auto slow = probe(
      []() -> Result<std::string> {
        while (true) pause();
      },
      20ms);
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().errno_value, ETIMEDOUT);
}

TEST(Probe, WhatAnAttemptStartedEndsWithIt) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const auto left = probe(
      []() -> Result<std::string> {
        if (fork() == 0)
          while (true) pause();
        return std::string("left one behind");
      },
      20ms);
  EXPECT_FALSE(left) << "its copy of the answer's pipe is open";
  writer.reset();
  char byte = 0;
  EXPECT_EQ(read(reader.get(), &byte, 1), 0) << "the end of file comes when nobody holds the other end";
}

}  // namespace
}  // namespace herd::kernel
