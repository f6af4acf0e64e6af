// Short ways to read a profile and see what is wrong with it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/profile_file.hpp"

namespace herd::config::testing {

/// The profile must be good.
inline seccomp::Profile profile_of(const std::string& text, const ProfileContext& context = {}) {
  Issues issues("p.json");
  const auto profile = read_profile(text, "p", context, issues);
  EXPECT_TRUE(profile.has_value()) << to_text(std::move(issues).take());
  return profile.value_or(seccomp::Profile{});
}

/// A line each.
inline std::vector<std::string> issues_with(const std::string& text) {
  Issues issues("p.json");
  EXPECT_EQ(read_profile(text, "p", {}, issues), std::nullopt);
  std::vector<std::string> lines;
  for (const Issue& issue : std::move(issues).take()) lines.push_back(to_text(issue));
  return lines;
}

}  // namespace herd::config::testing
