#include "common/unique_fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace herd {
namespace {

int open_null() {
  return open("/dev/null", O_RDONLY | O_CLOEXEC);
}
bool is_open(int fd) {
  return fcntl(fd, F_GETFD) >= 0;
}

TEST(UniqueFd, ClosesAtTheEndOfItsLife) {
  const int number = open_null();
  {
    const UniqueFd fd(number);
    EXPECT_TRUE(fd);
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(UniqueFd, MoveAssignmentClosesTheOldOne) {
  const int old_number = open_null();
  const int new_number = open_null();
  UniqueFd fd(old_number);
  fd = UniqueFd(new_number);
  EXPECT_FALSE(is_open(old_number));
  EXPECT_TRUE(is_open(new_number));
  EXPECT_EQ(fd.get(), new_number);
}

TEST(UniqueFd, MoveAssignmentToItselfKeepsIt) {
  UniqueFd fd(open_null());
  const int number = fd.get();
  UniqueFd& same = fd;
  fd = std::move(same);
  EXPECT_EQ(fd.get(), number);
  EXPECT_TRUE(is_open(number));
}

TEST(UniqueFd, AMovedFromOneIsEmptyAndClosesNothing) {
  const int number = open_null();
  UniqueFd taken;
  {
    UniqueFd fd(number);
    taken = std::move(fd);
    EXPECT_FALSE(fd);  // NOLINT(bugprone-use-after-move): this is what is tested
  }
  EXPECT_TRUE(is_open(number));
}

TEST(UniqueFd, ReleaseGivesUpOwnership) {
  UniqueFd fd(open_null());
  const int number = fd.release();
  EXPECT_FALSE(fd);
  fd.reset();
  EXPECT_TRUE(is_open(number));
  close(number);
}

TEST(UniqueFd, ResetClosesAndTakesTheNewOne) {
  const int old_number = open_null();
  UniqueFd fd(old_number);
  fd.reset(open_null());
  EXPECT_TRUE(fd);
  fd.reset();
  EXPECT_FALSE(fd);
  EXPECT_FALSE(is_open(old_number));
}

}  // namespace
}  // namespace herd
