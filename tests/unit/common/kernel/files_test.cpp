#include "common/kernel/files.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>

#include "tests/support/temporary_directory.hpp"

namespace herd::kernel {
namespace {

class Files : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  [[nodiscard]] mode_t mode_of(const std::string& name) const {
    struct stat info {};
    return stat(path(name).c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
  }
  [[nodiscard]] bool exists(const std::string& name) const { return access(path(name).c_str(), F_OK) == 0; }

  test::TemporaryDirectory directory_;
};

TEST_F(Files, AreReadUpToTheirBound) {
  directory_.write("at", std::string(10'000, 'x'));
  EXPECT_EQ(read_file(path("at"), 10'000).value_or("").size(), 10'000U);
  directory_.write("past", std::string(10'001, 'x'));
  const auto past = read_file(path("past"), 10'000);
  ASSERT_FALSE(past);
  EXPECT_EQ(past.error().errno_value, EFBIG);
}

TEST_F(Files, ThatNeverEndAreAnErrorToo) {
  const auto endless = read_file("/dev/zero", 4096);
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().errno_value, EFBIG);
}

TEST_F(Files, AreReadWithAllTheirBytes) {
  directory_.write("binary", std::string_view("a\0b\n", 4));
  EXPECT_EQ(read_file(path("binary")).value_or(""), std::string("a\0b\n", 4));
  directory_.write("empty", "");
  EXPECT_EQ(read_file(path("empty")).value_or("?"), "");
}

TEST_F(Files, ThatAreMissingAreSaidByName) {
  const auto missing = read_file(path("none"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "open '" + path("none") + "': No such file or directory");
  EXPECT_EQ(missing.error().errno_value, ENOENT);
}

TEST_F(Files, AreFoundBelowADirectoryFd) {
  directory_.write("a/b", "x");
  const UniqueFd below(open(path("a").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_EQ(read_file("b", 10, below.get()).value_or(""), "x");
  EXPECT_TRUE(write_file("b", "y", below.get()));
  EXPECT_EQ(test::text_of(path("a/b")), "y");
}

TEST_F(Files, AreNotMadeByAWriteIntoAnExistingOne) {
  const auto written = write_file(path("none"), "1");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().errno_value, ENOENT);
  EXPECT_FALSE(exists("none"));
}

TEST_F(Files, AFailedWriteSaysWhatAndWhere) {
  const auto written = write_file("/dev/full", "256");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message, "write '256' to '/dev/full': No space left on device");
}

TEST_F(Files, AReplacedOneIsOldOrNewForItsReaders) {
  directory_.write("state", "old and longer");
  const UniqueFd reader(open(path("state").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(replace_file(path("state"), "new", 0600));
  EXPECT_EQ(test::text_of(path("state")), "new");
  std::array<char, 32> seen{};
  EXPECT_EQ(read(reader.get(), seen.data(), seen.size()), 14);
  EXPECT_STREQ(seen.data(), "old and longer");
  EXPECT_FALSE(exists("state.new"));
}

TEST_F(Files, AReplacedOneHasItsModeWhateverTheUmask) {
  const mode_t before = umask(0077);
  const auto replaced = replace_file(path("state"), "x", 0644);
  umask(before);
  ASSERT_TRUE(replaced) << replaced.error().message;
  EXPECT_EQ(mode_of("state"), 0644U);
}

TEST_F(Files, AReplacedOneDoesNotKeepTheModeThatACrashLeftBehind) {
  directory_.write("state.new", "half wri");
  ASSERT_EQ(chmod(path("state.new").c_str(), 0666), 0);
  ASSERT_TRUE(replace_file(path("state"), "x", 0600));
  EXPECT_EQ(mode_of("state"), 0600U);
  EXPECT_EQ(test::text_of(path("state")), "x");
}

TEST_F(Files, AReplacementDoesNotWriteThroughASymbolicLink) {
  directory_.write("victim", "untouched");
  ASSERT_EQ(symlink(path("victim").c_str(), path("state.new").c_str()), 0);
  const auto replaced = replace_file(path("state"), "x", 0600);
  ASSERT_FALSE(replaced);
  EXPECT_EQ(replaced.error().errno_value, ELOOP);
  EXPECT_EQ(test::text_of(path("victim")), "untouched");
}

TEST_F(Files, AReplacementThatFailsLeavesTheOldOne) {
  ASSERT_TRUE(make_directories(path("state"), 0755));
  directory_.write("state/inside", "x");
  EXPECT_FALSE(replace_file(path("state"), "new", 0600));
  EXPECT_EQ(test::text_of(path("state/inside")), "x");
  EXPECT_FALSE(replace_file(path("none/state"), "new", 0600));
}

TEST_F(Files, DirectoriesAreMadeWithAllAboveThem) {
  ASSERT_TRUE(make_directories(path("a/b/c"), 0700));
  for (const char* name : {"a", "a/b", "a/b/c"}) EXPECT_EQ(mode_of(name), 0700U) << name;
}

TEST_F(Files, DirectoriesThatAreThereKeepTheirMode) {
  ASSERT_TRUE(make_directories(path("a"), 0755));
  ASSERT_TRUE(make_directories(path("a/b"), 0700));
  EXPECT_TRUE(make_directories(path("a/b"), 0755));
  EXPECT_EQ(mode_of("a"), 0755U);
  EXPECT_EQ(mode_of("a/b"), 0700U);
}

TEST_F(Files, AFileInTheWayOfADirectoryIsAnError) {
  directory_.write("file", "");
  const auto last = make_directories(path("file"), 0755);
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().errno_value, ENOTDIR);
  const auto middle = make_directories(path("file/below"), 0755);
  ASSERT_FALSE(middle);
  EXPECT_EQ(middle.error().errno_value, ENOTDIR);
}

}  // namespace
}  // namespace herd::kernel
