#include "daemon/denials/interrupter.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

namespace herd::denials {
namespace {

using namespace std::chrono_literals;

/// What a read that nothing comes for ends with.
int end_of_wait(int pipe) {
  char nothing = 0;
  return ::read(pipe, &nothing, 1) < 0 ? errno : 0;
}

TEST(DenialInterrupter, EndsWaitsOfItsThreadAgainAndAgain) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  std::thread([&] {
    Interrupter interrupter;
    interrupter.set();
    interrupter.set();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(end_of_wait(pipe[0]), EINTR);
    interrupter.clear();
    interrupter.set();
    EXPECT_EQ(end_of_wait(pipe[0]), EINTR);
  }).join();
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST(DenialInterrupter, LeavesAWaitAloneOnceItIsCleared) {
  std::thread([] {
    Interrupter interrupter;
    interrupter.set();
    interrupter.clear();
    const timespec some{0, std::chrono::nanoseconds(3 * Interrupter::kEvery).count()};
    EXPECT_EQ(::clock_nanosleep(CLOCK_MONOTONIC, 0, &some, nullptr), 0);
  }).join();
}

}  // namespace
}  // namespace herd::denials
