#include <limits>

#include "config/checks.hpp"
#include "config/text.hpp"

namespace herd::config {
namespace {

void check_names(const std::vector<std::string>& names, const std::string& pointer, const std::string& kind,
                 const std::function<std::optional<std::uint32_t>(const std::string&)>& id_of,
                 const Node& document, Issues& issues) {
  if (issues.touches(pointer)) return;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (id_of(names[i])) continue;
    const std::string item = below(pointer, i);
    issues.add(document.line_of(item), item,
               "the " + kind + " " + quote(names[i]) + " does not exist on this host");
  }
}

/// Only a default can be empty.
void check_has_path(const std::string& path, const std::string& pointer, const std::string& variable,
                    Issues& issues) {
  if (path.empty())
    issues.add(0, pointer,
               "has to be written: it has no default, as " + variable + " set in the environment");
}

}  // namespace

void check_accounts(const std::vector<std::string>& users, const std::vector<std::string>& groups,
                    const std::string& pointer, const Node& document, const HostFacts& facts,
                    Issues& issues) {
  check_names(users, below(pointer, "users"), "user", facts.uid_of, document, issues);
  check_names(groups, below(pointer, "groups"), "group", facts.gid_of, document, issues);
}

void check_daemon(const DaemonSpec& spec, const Node& document, const HostFacts& facts, Issues& issues) {
  for (const auto& [role, members] : spec.control.roles)
    check_accounts(members.users, members.groups, below("/control/roles", role), document, facts, issues);

  constexpr std::uint64_t kLastUid = std::numeric_limits<std::uint32_t>::max() - 1;
  const std::uint64_t last = std::uint64_t{spec.uids.first} + spec.uids.count - 1;
  if (!issues.touches("/uids") && last > kLastUid) {
    issues.add(document.line_of("/uids/count"), "/uids/count",
               "the range ends at " + std::to_string(last) + ", expected at most " +
                   std::to_string(kLastUid) + ", the last uid");
  }

  const bool names_uids = document.at("/uids/first") != nullptr || document.at("/uids/count") != nullptr;
  if (names_uids && !issues.touches("/uids"))
    if (const auto problem = facts.ids_problem(spec.uids.first, spec.uids.count))
      issues.add(
          document.line_of("/uids"), "/uids",
          "the ids " + std::to_string(spec.uids.first) + " to " + std::to_string(last) + " " + *problem);

  check_has_path(spec.control.path, "/control/path", "XDG_RUNTIME_DIR is not", issues);
  check_has_path(spec.state_directory, "/state_directory", "neither XDG_STATE_HOME nor HOME is", issues);
  check_has_path(spec.pools_directory, "/pools_directory", "neither XDG_CONFIG_HOME nor HOME is", issues);

  if (spec.executor.empty() || issues.touches("/executor")) return;
  if (const auto problem = facts.program_problem("/", spec.executor))
    issues.add(document.line_of("/executor"), "/executor", quote(spec.executor) + " " + *problem);
}

}  // namespace herd::config
