#include "config/load.hpp"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "config/checks.hpp"
#include "config/file.hpp"
#include "config/reader.hpp"
#include "config/resolve_profile.hpp"
#include "config/text.hpp"

namespace herd::config {
namespace {

/// A file on its way to a spec: it stays usable for checks across files when something in it was refused.
template <typename Spec>
struct Draft {
  explicit Draft(const std::string& file) : issues(file) { spec.file = file; }

  Spec spec;
  Issues issues;
  std::optional<Node> document;
};

template <typename Spec>
tl::expected<Spec, std::vector<Issue>> finish(Draft<Spec> draft) {
  if (!draft.issues.empty()) return tl::make_unexpected(std::move(draft.issues).take());
  return std::move(draft.spec);
}

void append(std::vector<Issue>& all, std::vector<Issue> some) {
  all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
}

Draft<DaemonSpec> draft_daemon(std::string_view text, const std::string& file, const HostFacts& facts) {
  Draft<DaemonSpec> draft(file);
  draft.spec.pools_directory = facts.paths.pools_directory;
  draft.spec.control.path = facts.paths.control_socket;
  draft.spec.state_directory = facts.paths.state_directory;
  draft.document = parse_document(text, draft.issues);
  if (!draft.document) return draft;
  read_fields(daemon_table(), *draft.document, draft.issues, draft.spec);
  check_daemon(draft.spec, *draft.document, facts, draft.issues);

  const std::filesystem::path pools = draft.spec.pools_directory;
  if (pools.is_relative())
    draft.spec.pools_directory =
        (std::filesystem::path(file).parent_path() / pools).lexically_normal().string();
  return draft;
}

/// `connect` for a worker that binds its port itself: it may know nothing of NOTIFY_SOCKET.
void choose_ready(const Node& document, PoolSpec& spec) {
  const Node* ready = document.at("/ready");
  const auto is_choice = [](const Member& member) { return member.name != "timeout"; };
  if (ready != nullptr && std::any_of(ready->members.begin(), ready->members.end(), is_choice)) return;
  if (spec.listen == Listen::port) spec.ready.kind = ReadyKind::connect;
}

Draft<PoolSpec> draft_pool(std::string_view text, const std::string& file, const std::string& name,
                           const HostFacts& facts) {
  Draft<PoolSpec> draft(file);
  draft.spec.name = name;
  if (const std::string problem = pool_name_problem(name); !problem.empty()) draft.issues.add(0, "", problem);
  draft.document = parse_document(text, draft.issues);
  if (!draft.document) return draft;
  read_fields(pool_table(), *draft.document, draft.issues, draft.spec);
  choose_ready(*draft.document, draft.spec);
  resolve_profile(*draft.document, facts, draft.issues, draft.spec);
  check_pool(draft.spec, *draft.document, facts, draft.issues);
  return draft;
}

void check_prefixes(std::vector<Draft<PoolSpec>>& drafts) {
  const std::string pointer = "/gateway/prefix";
  std::map<std::pair<std::string, std::string>, std::string> owners;  // host and prefix -> file
  for (auto& draft : drafts) {
    if (!draft.spec.gateway || draft.issues.touches(pointer) || draft.issues.touches("/gateway/host"))
      continue;
    const GatewaySpec& gateway = *draft.spec.gateway;
    const auto [owner, is_new] = owners.emplace(std::pair(gateway.host, gateway.prefix), draft.spec.file);
    if (is_new) continue;
    const std::string of_host = gateway.host.empty() ? "" : " of host " + quote(gateway.host);
    draft.issues.add(draft.document->line_of(pointer), pointer,
                     "the prefix " + quote(gateway.prefix) + of_host + " belongs to " + owner->second +
                         " already, and " + draft.spec.file + " may not have the same");
  }
}

std::vector<Draft<PoolSpec>> draft_pools(const UniqueFd& directory, const std::string& path,
                                         const std::vector<std::string>& names, const HostFacts& facts) {
  std::vector<Draft<PoolSpec>> drafts;
  for (const std::string& name : names) {
    const std::string file = (std::filesystem::path(path) / name).string();
    const auto text = read_config_file(directory.get(), name, {facts.daemon_uid, facts.unmapped_uid});
    if (text) {
      drafts.push_back(draft_pool(*text, file, std::filesystem::path(name).stem().string(), facts));
    } else {
      drafts.emplace_back(file).issues.add(0, "", text.error().message);
    }
  }
  check_prefixes(drafts);
  return drafts;
}

/// Reads the directory's pools into `pools`, what is wrong into `issues`.
void load_pools(const std::string& path, const HostFacts& facts, std::vector<PoolSpec>& pools,
                std::vector<Issue>& issues) {
  const auto directory = open_config_directory(path, {facts.daemon_uid, facts.unmapped_uid});
  if (!directory) {
    issues.push_back({path, 0, "", directory.error().message});
    return;
  }
  const auto names = list_config_files(*directory);
  if (!names) {
    issues.push_back({path, 0, "", names.error().message});
    return;
  }
  if (names->size() > kMaxPools) {
    issues.push_back(
        {path, 0, "",
         std::to_string(names->size()) + " pool files, expected at most " + std::to_string(kMaxPools)});
    return;
  }
  for (auto& draft : draft_pools(*directory, path, *names, facts)) {
    if (draft.issues.empty()) {
      pools.push_back(std::move(draft.spec));
    } else {
      append(issues, std::move(draft.issues).take());
    }
  }
}

}  // namespace

tl::expected<DaemonSpec, std::vector<Issue>> read_daemon(std::string_view text, const std::string& file,
                                                         const HostFacts& facts) {
  return finish(draft_daemon(text, file, facts));
}

tl::expected<PoolSpec, std::vector<Issue>> read_pool(std::string_view text, const std::string& file,
                                                     const std::string& name, const HostFacts& facts) {
  return finish(draft_pool(text, file, name, facts));
}

tl::expected<Loaded, std::vector<Issue>> load(const std::string& herd_json_path, const HostFacts& facts) {
  std::vector<Issue> issues;
  const auto text = read_config_file(AT_FDCWD, herd_json_path, {facts.daemon_uid, facts.unmapped_uid});
  if (!text) return tl::make_unexpected(std::vector<Issue>{{herd_json_path, 0, "", text.error().message}});

  auto draft = draft_daemon(*text, herd_json_path, facts);
  // The pools are read also when herd.json has issues, as long as it says where they are.
  const bool knows_pools = draft.document && draft.document->type == Node::Type::object &&
                           !draft.issues.touches("/pools_directory");
  Loaded loaded{draft.spec, {}};
  append(issues, std::move(draft.issues).take());
  if (knows_pools) load_pools(loaded.daemon.pools_directory, facts, loaded.pools, issues);
  if (!issues.empty()) return tl::make_unexpected(std::move(issues));
  return loaded;
}

}  // namespace herd::config
