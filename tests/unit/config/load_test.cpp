// herd.json and the pool files together: who may have written them, and every issue at once.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "config/file.hpp"
#include "tests/unit/config/support.hpp"

namespace herd::config::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Load : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "herd-config-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    facts_.daemon_uid = ::geteuid();
    make_directory("pools.d");
    write("herd.json", R"({"pools_directory": "pools.d"})");
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  void make_directory(const std::string& name) { ASSERT_EQ(::mkdir(path(name).c_str(), 0700), 0); }
  void write(const std::string& name, const std::string& text, mode_t mode = 0644) {
    std::ofstream(path(name), std::ios::binary) << text;
    ASSERT_EQ(::chmod(path(name).c_str(), mode), 0);
  }
  void pool(const std::string& name, const std::string& members = "") {
    write("pools.d/" + name + ".json", pool_with(members));
  }
  /// What is owned by somebody else: as root by giving it away, else by being another daemon.
  void give_away(const std::string& name) {
    if (::geteuid() == 0) {
      ASSERT_EQ(::chown(path(name).c_str(), 12'345, 0), 0);
    } else {
      facts_.daemon_uid = ::geteuid() + 1;
    }
  }
  auto load_it() { return load(path("herd.json"), facts_); }
  std::vector<std::string> texts() {
    std::vector<std::string> out;
    for (const Issue& issue : issues_of(load_it())) out.push_back(to_text(issue));
    return out;
  }

  std::filesystem::path directory_;
  HostFacts facts_ = fake_host();
};

TEST_F(Load, pools_come_sorted_by_name_and_other_files_are_not_read) {
  pool("web");
  pool("api");
  write("pools.d/notes.txt", "nonsense");
  write("pools.d/old.json.bak", "nonsense");
  write("pools.d/.#web.json", "nonsense");
  write("pools.d/.json", "nonsense");
  const auto loaded = load_it();
  ASSERT_TRUE(loaded.has_value()) << to_text(issues_of(loaded));
  ASSERT_EQ(loaded->pools.size(), 2u);
  EXPECT_EQ(loaded->pools[0].name, "api");
  EXPECT_EQ(loaded->pools[1].name, "web");
  EXPECT_EQ(loaded->pools[1].file, path("pools.d/web.json"));
  EXPECT_EQ(loaded->daemon.pools_directory, path("pools.d"));
}

TEST_F(Load, no_pool_is_fine) {
  const auto loaded = load_it();
  ASSERT_TRUE(loaded.has_value());
  EXPECT_TRUE(loaded->pools.empty());
}

TEST_F(Load, all_issues_of_all_files_are_told_at_once) {
  write("herd.json", "{\"pools_directory\": \"pools.d\",\n\"log\": {\"level\": \"loud\"}}");
  pool("a", R"("listen": "unx")");
  pool("b");
  write("pools.d/c.json", "{\n\"command\": [");
  write("pools.d/D.json", pool_with(R"("bogus": 1)"));
  EXPECT_THAT(texts(), ElementsAre(HasSubstr(path("herd.json") + ":2: /log/level: "),
                                   HasSubstr(path("pools.d/D.json") + ": \"D\" can't be a pool's name"),
                                   HasSubstr(path("pools.d/D.json") + ":1: /bogus: "),
                                   HasSubstr(path("pools.d/a.json") + ":1: /listen: "),
                                   AllOf(HasSubstr(path("pools.d/c.json") + ":2: column "),
                                         HasSubstr("ends too early"))));
}

TEST_F(Load, two_pools_with_one_prefix_are_refused_with_both_files) {
  pool("a", R"("gateway": {"prefix": "/x/"})");
  pool("b", R"("gateway": {"prefix": "/x/y/"})");
  pool("c", R"("gateway": {"prefix": "/x/"})");
  EXPECT_THAT(texts(),
              ElementsAre(AllOf(HasSubstr("c.json:1: /gateway/prefix: "), HasSubstr(path("pools.d/a.json")),
                                HasSubstr(path("pools.d/c.json") + " may not"))));
}

TEST_F(Load, one_prefix_may_be_two_hosts) {
  pool("a", R"("gateway": {"host": "a.org"})");
  pool("b", R"("gateway": {"host": "b.org"})");
  pool("c", R"("gateway": {"prefix": "/"})");
  EXPECT_THAT(texts(), ElementsAre());
}

TEST_F(Load, the_gateways_name_is_taken) {
  pool("herd-gateway", R"("listen": "unix")");
  EXPECT_THAT(texts(), ElementsAre(HasSubstr("is herd's own gateway: rename the file")));
}

TEST_F(Load, a_missing_file_or_directory_is_told) {
  EXPECT_THAT(issues_of(load(path("none.json"), facts_)), ElementsAre(issue_at("", "open: No such file")));
  write("herd.json", R"({"pools_directory": "/nonexistent/pools"})");
  EXPECT_THAT(texts(), ElementsAre("/nonexistent/pools: open: No such file or directory"));
}

TEST_F(Load, half_a_herd_json_stops_at_itself) {
  write("herd.json", "{");
  write("pools.d/a.json", "nonsense");
  EXPECT_THAT(texts(), ElementsAre(HasSubstr("herd.json:1: column 2: the file ends too early")));
}

TEST_F(Load, a_file_that_others_may_write_is_refused) {
  pool("a");
  for (const mode_t mode : {0664, 0646, 0666}) {
    ASSERT_EQ(::chmod(path("pools.d/a.json").c_str(), mode), 0);
    EXPECT_THAT(texts(),
                ElementsAre(AllOf(HasSubstr("a.json: is writable by its group or by others (mode 06"),
                                  HasSubstr("chmod go-w"))));
  }
  ASSERT_EQ(::chmod(path("pools.d/a.json").c_str(), 0640), 0);
  EXPECT_TRUE(load_it().has_value());
  ASSERT_EQ(::chmod(path("herd.json").c_str(), 0664), 0);
  EXPECT_THAT(texts(), ElementsAre(HasSubstr("herd.json: is writable by its group")));
}

TEST_F(Load, a_pools_directory_that_others_may_write_to_is_refused) {
  pool("a");
  ASSERT_EQ(::chmod(path("pools.d").c_str(), 0775), 0);
  EXPECT_THAT(texts(), ElementsAre(HasSubstr("pools.d: is writable by its group or by others (mode 0775)")));
}

TEST_F(Load, a_file_of_somebody_else_is_refused) {
  give_away("herd.json");
  EXPECT_THAT(texts(),
              ElementsAre(AllOf(HasSubstr("herd.json: belongs to uid "), HasSubstr("expected root"))));
}

// In an ordinary user's herdd root's files are shown as everybody's else are.
TEST_F(Load, a_file_of_an_unmapped_uid_is_nobodys) {
  pool("web");
  facts_.unmapped_uid = ::geteuid();
  facts_.daemon_uid = 77;
  EXPECT_THAT(issues_of(load_it()),
              ::testing::ElementsAre(issue_at("", "belongs to the host's root or to another user")));
}

TEST_F(Load, a_pools_directory_of_somebody_else_is_refused) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a directory away";
  give_away("pools.d");
  EXPECT_THAT(texts(), ElementsAre(HasSubstr("pools.d: belongs to uid 12345")));
}

TEST_F(Load, the_daemons_own_files_are_trusted) {
  pool("a");
  if (::geteuid() == 0) {
    give_away("pools.d/a.json");
    EXPECT_FALSE(load_it().has_value());
    facts_.daemon_uid = 12'345;
  }
  EXPECT_TRUE(load_it().has_value());
}

TEST_F(Load, what_is_no_regular_file_is_refused_without_waiting) {
  ASSERT_EQ(::mkfifo(path("pools.d/fifo.json").c_str(), 0600), 0);
  make_directory("pools.d/dir.json");
  EXPECT_THAT(texts(), ElementsAre(HasSubstr("dir.json: is not a regular file"),
                                   HasSubstr("fifo.json: is not a regular file")));
}

TEST_F(Load, a_symlink_is_followed_and_what_it_leads_to_is_checked) {
  write("real", pool_with(""));
  ASSERT_EQ(::symlink(path("real").c_str(), path("pools.d/link.json").c_str()), 0);
  const auto loaded = load_it();
  ASSERT_TRUE(loaded.has_value()) << to_text(issues_of(loaded));
  EXPECT_EQ(loaded->pools[0].name, "link");

  ASSERT_EQ(::chmod(path("real").c_str(), 0666), 0);
  EXPECT_THAT(texts(), ElementsAre(HasSubstr("link.json: is writable by its group or by others")));
  std::filesystem::remove(path("real"));
  EXPECT_THAT(texts(), ElementsAre(HasSubstr("link.json: open: No such file or directory")));
}

TEST_F(Load, a_file_of_1_mib_is_read_and_a_larger_one_refused) {
  std::string text = pool_with("");
  text.resize(1 << 20, '\n');
  write("pools.d/a.json", text);
  EXPECT_TRUE(load_it().has_value());
  write("pools.d/a.json", text + "\n");
  EXPECT_THAT(texts(), ElementsAre(HasSubstr("a.json: larger than 1MiB")));
}

TEST_F(Load, more_files_than_a_thousand_are_refused) {
  for (std::size_t i = 0; i < kMaxPools; ++i) write("pools.d/p" + std::to_string(i) + ".json", pool_with(""));
  EXPECT_TRUE(load_it().has_value());
  pool("one-more");
  EXPECT_THAT(texts(), ElementsAre(HasSubstr("1001 pool files, expected at most 1000")));
}

}  // namespace
}  // namespace herd::config::testing
