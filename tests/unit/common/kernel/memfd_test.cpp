#include "common/kernel/memfd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>

#include "common/kernel/files.hpp"
#include "tests/support/temporary_directory.hpp"

namespace herd::kernel {
namespace {

constexpr int kAllSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;

void expect_unchangeable(int fd) {
  EXPECT_EQ(fcntl(fd, F_GET_SEALS) & kAllSeals, kAllSeals);
  EXPECT_EQ(pwrite(fd, "x", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(ftruncate(fd, 1), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(ftruncate(fd, 1 << 24), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
  EXPECT_EQ(errno, EPERM);
}

/// The exit code of a sealed program, -1 where it could not be run.
int run(const UniqueFd& program) {
  char name[] = "sealed";
  std::array<char*, 2> argv{name, nullptr};
  std::array<char*, 1> envp{nullptr};
  const pid_t child = fork();
  if (child == 0) {
    syscall(SYS_execveat, program.get(), "", argv.data(), envp.data(), AT_EMPTY_PATH);
    _exit(126);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(SealedMemfd, HoldsItsContentFromTheStartAndClosesOnExec) {
  const auto fd = sealed_memfd("test", "the plan");
  ASSERT_TRUE(fd) << fd.error().message;
  std::array<char, 32> buffer{};
  EXPECT_EQ(read(fd->get(), buffer.data(), buffer.size()), 8);
  EXPECT_STREQ(buffer.data(), "the plan");
  EXPECT_EQ(fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST(SealedMemfd, CanNotBeChanged) {
  const auto fd = sealed_memfd("test", "the plan");
  ASSERT_TRUE(fd) << fd.error().message;
  expect_unchangeable(fd->get());
}

TEST(SealedMemfd, CanNotBeChangedThroughAnFdThatIsOpenedAnew) {
  const auto fd = sealed_memfd("test", "the plan");
  ASSERT_TRUE(fd) << fd.error().message;
  const std::string path = "/proc/self/fd/" + std::to_string(fd->get());
  const UniqueFd again(open(path.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(again);
  expect_unchangeable(again.get());
}

TEST(SealedMemfd, MayBeEmpty) {
  const auto fd = sealed_memfd("test", "");
  ASSERT_TRUE(fd) << fd.error().message;
  EXPECT_EQ(ftruncate(fd->get(), 1), -1);
}

TEST(SealedProgram, RunsByItsFd) {
  const auto works = sealed_program("/bin/true");
  ASSERT_TRUE(works) << works.error().message;
  EXPECT_EQ(run(*works), 0);
  const auto fails = sealed_program("/bin/false");
  ASSERT_TRUE(fails) << fails.error().message;
  EXPECT_EQ(run(*fails), 1);
}

TEST(SealedProgram, CanNotBeChanged) {
  const auto program = sealed_program("/bin/true");
  ASSERT_TRUE(program) << program.error().message;
  expect_unchangeable(program->get());
}

TEST(SealedProgram, IsACopyOfAllBytes) {
  const test::TemporaryDirectory directory;
  std::string bytes;
  for (int i = 0; i < 300'000; ++i) bytes += static_cast<char>(i % 251);
  directory.write("program", bytes);
  const auto program = sealed_program(directory.path() + "/program");
  ASSERT_TRUE(program) << program.error().message;
  directory.write("program", "replaced");
  const auto copy = read_file("/proc/self/fd/" + std::to_string(program->get()));
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(*copy, bytes);
}

TEST(SealedProgram, SaysWhichFileIsMissingOrNone) {
  const test::TemporaryDirectory directory;
  const auto missing = sealed_program(directory.path() + "/none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "open '" + directory.path() + "/none': No such file or directory");
  const auto not_a_file = sealed_program(directory.path());
  ASSERT_FALSE(not_a_file);
  EXPECT_EQ(not_a_file.error().message, "'" + directory.path() + "' is not a file");
}

}  // namespace
}  // namespace herd::kernel
