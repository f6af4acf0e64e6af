#include "cli/look.hpp"

#include <algorithm>
#include <cerrno>

#include "cli/human.hpp"
#include "common/kernel/files.hpp"
#include "config/document.hpp"
#include "config/issue.hpp"
#include "config/preset_catalog.hpp"

namespace herd::cli {
namespace {

using seccomp::Arch;
using seccomp::Policy;

const std::map<std::string, Arch>& arches() {
  static const std::map<std::string, Arch> kArches{{"x86_64", Arch::x86_64}, {"aarch64", Arch::aarch64}};
  return kArches;
}

template <typename Value>
void add_choice(CLI::App& verb, const std::string& option, Value& value,
                const std::map<std::string, Value>& words, const std::string& doc) {
  std::vector<std::string> names;
  std::string fallback;
  for (const auto& [word, meant] : words) {
    names.push_back(word);
    if (meant == value) fallback = word;
  }
  verb.add_option_function<std::string>(
          option, [&value, &words](const std::string& word) { value = words.at(word); }, doc)
      ->check(CLI::IsMember(names))
      ->default_str(fallback);
}

}  // namespace

const std::map<std::string, Policy>& policies() {
  static const std::map<std::string, Policy> kPolicies{
      {"log", Policy::log}, {"errno", Policy::errno_}, {"kill", Policy::kill}};
  return kPolicies;
}

void add_profile_context(CLI::App& verb, config::ProfileContext& context) {
  add_choice(verb, "--arch", context.arch, arches(), "of the calls");
  verb.add_option("--capability", context.capabilities,
                  "that the worker has, as CAP_SYS_ADMIN (repeatable): Docker's profiles ask for it");
}

std::pair<CLI::App*, std::shared_ptr<Look>> add_look(CLI::App& app, const std::string& name,
                                                     const std::string& doc, bool has_policy) {
  CLI::App* verb = app.add_subcommand(name, doc);
  auto look = std::make_shared<Look>();
  verb->add_option("PROFILE", look->profile, "the name of a built-in profile, or a file")->required();
  if (has_policy) add_choice(*verb, "--policy", look->policy, policies(), "what a denied call does");
  add_profile_context(*verb, look->context);
  return {verb, look};
}

std::optional<seccomp::Profile> load_profile(Context& context, const std::string& name,
                                             const config::ProfileContext& asked) {
  const auto known = config::preset_names();
  if (std::ranges::find(known, name) != known.end()) return config::find_preset(name, asked).value();
  const auto text = kernel::read_file(name, config::kMaxFileSize);
  if (!text) {
    const bool is_path = name.find('/') != std::string::npos || text.error().errno_value != ENOENT;
    complain(context, is_path ? text.error().message : config::find_preset(name, asked).error().message,
             kNotFound);
    return std::nullopt;
  }
  config::Issues issues(name);
  auto profile = config::read_profile(*text, name, asked, issues);
  for (const config::Issue& issue : std::move(issues).take())
    context.err << printable(config::to_text(issue)) << "\n";
  return profile;
}

}  // namespace herd::cli
