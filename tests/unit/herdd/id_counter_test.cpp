#include "daemon/herdd/id_counter.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "tests/support/temporary_directory.hpp"

namespace herd::daemon {
namespace {

class WorkerIds : public testing::Test {
 protected:
  [[nodiscard]] Result<IdCounter> open() const { return IdCounter::open(file_); }
  void put(const std::string& text) const { directory_.write("state/ids", text); }

  test::TemporaryDirectory directory_;
  const std::string file_ = directory_.path() + "/state/ids";
};

TEST_F(WorkerIds, BeginAtOneAndCount) {
  std::filesystem::create_directory(directory_.path() + "/state");
  auto ids = open();
  ASSERT_TRUE(ids) << ids.error().message;
  EXPECT_EQ(ids->next(), 1U);
  EXPECT_EQ(ids->next(), 2U);
}

TEST_F(WorkerIds, NeverRepeatOverBlocksAndRestarts) {
  std::filesystem::create_directory(directory_.path() + "/state");
  std::uint64_t last = 0;
  for (const int count : {1, 0, 999, 1000, 1001, 2500}) {
    auto ids = open();  // a daemon that never said goodbye: only the file tells what was given
    ASSERT_TRUE(ids) << ids.error().message;
    for (int i = 0; i < count; ++i) {
      const std::uint64_t id = ids->next();
      ASSERT_GT(id, last);
      last = id;
    }
  }
}

TEST_F(WorkerIds, GoOnFromWhatTheFileSays) {
  put("5000\n");
  auto ids = open();
  ASSERT_TRUE(ids) << ids.error().message;
  EXPECT_EQ(ids->next(), 5000U);
}

TEST_F(WorkerIds, ACorruptFileIsRefusedAndLeftAsItIs) {
  for (const std::string text : {"", "\n", "0\n", "-5\n", "abc\n", "12abc\n", "12\n\n", " 12\n", "1 2\n",
                                 "0x10\n", "99999999999999999999999\n", "18446744073709551615\n"}) {
    put(text);
    const auto ids = open();
    ASSERT_FALSE(ids) << text;
    EXPECT_NE(ids.error().message.find("holds no number"), std::string::npos) << ids.error().message;
    EXPECT_EQ(test::text_of(file_), text);
  }
}

TEST_F(WorkerIds, AFileThatIsFarTooLongIsRefused) {
  put(std::string(65, '0') + "1\n");
  EXPECT_FALSE(open());
}

TEST_F(WorkerIds, AFileThatCanNotBeReadOrWrittenIsAnError) {
  const auto no_directory = open();
  ASSERT_FALSE(no_directory);
  EXPECT_EQ(no_directory.error().errno_value, ENOENT);
  std::filesystem::create_directories(file_);
  const auto is_directory = open();
  ASSERT_FALSE(is_directory);
  EXPECT_EQ(is_directory.error().errno_value, EISDIR);
}

TEST_F(WorkerIds, StayNewWhereTheNextBlockCanNotBeReserved) {
  std::filesystem::create_directory(directory_.path() + "/state");
  auto ids = open();
  ASSERT_TRUE(ids) << ids.error().message;
  std::filesystem::remove_all(directory_.path() + "/state");
  std::set<std::uint64_t> given;
  for (int i = 0; i < 1003; ++i) EXPECT_TRUE(given.insert(ids->next()).second);
  EXPECT_GT(*given.rbegin(), 1'000'000'000U)
      << "far above what a count reaches, or a later count would meet it";
}

}  // namespace
}  // namespace herd::daemon
