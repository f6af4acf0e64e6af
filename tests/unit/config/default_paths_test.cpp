// Where an ordinary user's files are: the XDG base directory specification.
#include "config/default_paths.hpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/unit/config/support.hpp"

namespace herd::config::testing {
namespace {

DefaultPaths paths_in(const std::map<std::string, std::string>& environment) {
  return user_paths([&environment](const char* name) -> const char* {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  });
}

TEST(DefaultPaths, are_below_home_where_nothing_else_is_said) {
  const DefaultPaths paths = paths_in({{"HOME", "/home/a"}});
  EXPECT_EQ(paths.file, "/home/a/.config/herd/herd.json");
  EXPECT_EQ(paths.pools_directory, "/home/a/.config/herd/pools.d");
  EXPECT_EQ(paths.state_directory, "/home/a/.local/state/herd");
  EXPECT_EQ(paths.control_socket, "") << "there is no runtime directory but the session's";
}

TEST(DefaultPaths, follow_the_environment) {
  const DefaultPaths paths = paths_in({{"HOME", "/home/a"},
                                       {"XDG_CONFIG_HOME", "/c"},
                                       {"XDG_STATE_HOME", "/s"},
                                       {"XDG_RUNTIME_DIR", "/run/user/1000"}});
  EXPECT_EQ(paths.file, "/c/herd/herd.json");
  EXPECT_EQ(paths.state_directory, "/s/herd");
  EXPECT_EQ(paths.control_socket, "/run/user/1000/herd/control.sock");
}

TEST(DefaultPaths, a_relative_path_is_as_good_as_none) {
  EXPECT_EQ(paths_in({{"HOME", "here"}, {"XDG_CONFIG_HOME", "c"}, {"XDG_RUNTIME_DIR", "r"}}).file, "");
  EXPECT_EQ(paths_in({{"HOME", "/h"}, {"XDG_CONFIG_HOME", "c"}}).file, "/h/.config/herd/herd.json");
}

HostFacts without_session() {
  HostFacts facts = fake_host();
  facts.paths = paths_in({{"HOME", "/home/a"}});
  return facts;
}

TEST(DefaultPaths, are_those_of_a_file_that_names_no_others) {
  const auto spec = read_daemon(R"({"control": {"path": "/x/s"}})", "/c/herd.json", without_session());
  ASSERT_TRUE(spec) << to_text(issues_of(spec));
  EXPECT_EQ(spec->state_directory, "/home/a/.local/state/herd");
  EXPECT_EQ(spec->pools_directory, "/home/a/.config/herd/pools.d");
}

TEST(DefaultPaths, that_are_not_there_have_to_be_written) {
  EXPECT_THAT(issues_of(read_daemon("{}", "/c/herd.json", without_session())),
              ::testing::ElementsAre(issue_at("/control/path", "XDG_RUNTIME_DIR is not set")));
}

TEST(Ids, that_are_not_mapped_are_refused_where_the_file_names_them) {
  HostFacts facts = fake_host();
  facts.ids_problem = [](std::uint32_t, std::uint32_t) {
    return std::optional<std::string>("are not mapped");
  };
  EXPECT_TRUE(read_daemon("{}", "/c/herd.json", facts)) << "the default is no wish";
  EXPECT_THAT(issues_of(read_daemon(R"({"uids": {"first": 70000}})", "/c/herd.json", facts)),
              ::testing::ElementsAre(issue_at("/uids", "the ids 70000 to 135535 are not mapped")));
}

TEST(Ids, of_a_user_that_is_not_mapped_are_refused) {
  HostFacts facts = fake_host();
  facts.user_problem = [](std::uint32_t uid) {
    return std::optional<std::string>("has uid " + std::to_string(uid) + ", not mapped");
  };
  EXPECT_THAT(issues_of(read_pool(pool_with(R"("sandbox": {"user": "alice"})"), "web.json", "web", facts)),
              ::testing::ElementsAre(issue_at("/sandbox/user", "has uid 1000, not mapped")));
}

}  // namespace
}  // namespace herd::config::testing
