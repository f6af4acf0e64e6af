#include "common/seccomp/export.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>

#include "common/seccomp/build.hpp"

namespace herd::seccomp {
namespace {

class SealedFilter : public testing::Test {
 protected:
  SealedFilter()
      : program_(build("worker", Policy::errno_).value()), file_(to_sealed_memfd(program_).value()) {}

  Program program_;
  UniqueFd file_;
};

TEST_F(SealedFilter, HoldsTheInstructionsAndNothingElse) {
  const std::size_t size = program_.instructions.size() * sizeof(sock_filter);
  std::vector<char> content(size + 1);
  ASSERT_EQ(::read(file_.get(), content.data(), content.size()), static_cast<ssize_t>(size));
  EXPECT_EQ(std::memcmp(content.data(), program_.instructions.data(), size), 0);
}

TEST_F(SealedFilter, CantBeChanged) {
  const int seals = ::fcntl(file_.get(), F_GET_SEALS);
  constexpr int kWanted = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  EXPECT_EQ(seals & kWanted, kWanted);
  EXPECT_EQ(::pwrite(file_.get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(file_.get(), 0), -1);
  EXPECT_EQ(::fcntl(file_.get(), F_ADD_SEALS, F_SEAL_WRITE), -1);
}

TEST_F(SealedFilter, DoesNotLeakThroughExec) {
  EXPECT_TRUE((::fcntl(file_.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

}  // namespace
}  // namespace herd::seccomp
