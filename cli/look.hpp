// A profile as the verbs of `herdctl seccomp` take it: its name or file, and the options that say how it is
// looked at.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cli/context.hpp"
#include "config/profile_file.hpp"

namespace herd::cli {

struct Look {
  std::string profile;
  seccomp::Policy policy = seccomp::Policy::errno_;
  config::ProfileContext context;
};

/// By their words.
const std::map<std::string, seccomp::Policy>& policies();

/// --arch and --capability.
void add_profile_context(CLI::App& verb, config::ProfileContext& context);
/// A verb with PROFILE and these options.
std::pair<CLI::App*, std::shared_ptr<Look>> add_look(CLI::App& app, const std::string& name,
                                                     const std::string& doc, bool has_policy = true);

/// A built-in profile, or a file. Complains where it is neither.
std::optional<seccomp::Profile> load_profile(Context& context, const std::string& name,
                                             const config::ProfileContext& asked);

/// Calls `show` with the profile; the verb's exit code is its answer.
template <typename Show>
int with_profile(Context& context, const Look& look, Show show) {
  const auto profile = load_profile(context, look.profile, look.context);
  return profile ? show(*profile) : kNotFound;
}

}  // namespace herd::cli
