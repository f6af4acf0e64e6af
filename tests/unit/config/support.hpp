// A host that is the same everywhere, and short ways to read a file and see what is wrong with it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "config/load.hpp"

namespace herd::config::testing {

inline HostFacts fake_host() {
  HostFacts facts;
  facts.uid_of = [](const std::string& user) -> std::optional<std::uint32_t> {
    if (user == "root" || user == "toor") return 0;
    if (user == "alice") return 1000;
    return std::nullopt;
  };
  facts.gid_of = [](const std::string& group) -> std::optional<std::uint32_t> {
    if (group == "staff") return 50;
    return std::nullopt;
  };
  facts.program_problem = [](const std::string& root, const std::string& path) -> std::optional<std::string> {
    if (root == "/srv/image" && path != "/bin/inside") return "does not exist";
    if (path == "/missing") return "does not exist";
    if (path == "/data") return "is not executable";
    if (path == "/usr") return "is a directory";
    return std::nullopt;
  };
  facts.root_problem = [](const std::string& path) -> std::optional<std::string> {
    if (path == "/missing") return "does not exist";
    return std::nullopt;
  };
  return facts;
}

inline tl::expected<PoolSpec, std::vector<Issue>> read(std::string_view text) {
  return read_pool(text, "web.json", "web", fake_host());
}

/// A pool file with `command` and these members.
inline std::string pool_with(const std::string& members) {
  return R"({"command": ["/bin/true"])" + (members.empty() ? "" : ", " + members) + "}";
}

template <typename Spec>
std::vector<Issue> issues_of(const tl::expected<Spec, std::vector<Issue>>& result) {
  return result ? std::vector<Issue>{} : result.error();
}

/// The file must be good.
inline PoolSpec good(std::string_view text) {
  const auto spec = read(text);
  EXPECT_TRUE(spec.has_value()) << to_text(issues_of(spec));
  return spec.value_or(PoolSpec{});
}

/// One issue at this pointer, whose message has this text.
inline auto issue_at(const std::string& pointer, const std::string& says) {
  return ::testing::AllOf(::testing::Field("pointer", &Issue::pointer, pointer),
                          ::testing::Field("message", &Issue::message, ::testing::HasSubstr(says)));
}

/// A text that is refused with one issue.
struct Bad {
  std::string text;
  std::string pointer;
  std::string says;
};

template <typename IssuesOf>
void expect_refused(const std::vector<Bad>& cases, const IssuesOf& issues_of_text) {
  for (const Bad& bad : cases) {
    SCOPED_TRACE(bad.text);
    EXPECT_THAT(issues_of_text(bad.text), ::testing::ElementsAre(issue_at(bad.pointer, bad.says)));
  }
}

/// The texts are members of a pool file that is good otherwise.
inline void expect_members_refused(const std::vector<Bad>& cases) {
  expect_refused(cases, [](const std::string& members) { return issues_of(read(pool_with(members))); });
}

}  // namespace herd::config::testing
