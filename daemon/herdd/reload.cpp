// Reload: all files are read and checked first; one error and nothing changes.
#include "common/log.hpp"
#include "config/diff.hpp"
#include "daemon/herdd/daemon.hpp"

namespace herd::daemon {
namespace {

/// One line of the plan; `pool` is null for herd.json's own fields.
Json plan_line(const Json& pool, const config::Change& change) {
  return {
      {"pool", pool},
      {"field", change.pointer},
      {"before", change.before},
      {"after", change.after},
      {"applies", change.applies == config::Applies::next_spawn ? "next spawn"
                                                                : std::string(config::name(change.applies))}};
}

/// A whole pool that comes or goes.
Json plan_line(const std::string& pool, const char* before, const char* after) {
  return {{"pool", pool}, {"field", ""}, {"before", before}, {"after", after}, {"applies", "live"}};
}

tl::unexpected<control::ApiError> bad_config(const std::vector<config::Issue>& issues) {
  control::ApiError error;
  error.status = 422;
  error.code = "bad_config";
  error.message = config::to_text(issues);
  error.hint = "nothing was changed; mend the files and reload again (herdctl check shows the same)";
  return tl::make_unexpected(std::move(error));
}

}  // namespace

control::ApiResult<Json> Daemon::reload(bool dry_run) {
  if (is_stopping_) {
    control::ApiError error;
    error.status = 503;
    error.code = "stopping";
    error.message = "herdd is stopping";
    return tl::make_unexpected(std::move(error));
  }
  auto fresh = config::load(parts_.loaded.daemon.file, parts_.host.facts);
  if (!fresh) return bad_config(fresh.error());

  Json plan = Json::array();
  struct Update {
    config::PoolSpec spec;
    bool recycle;
  };
  std::vector<Update> updates;
  std::map<std::string, config::PoolSpec> added, kept;
  for (const config::PoolSpec& spec : fresh->pools) {
    const auto before = std::ranges::find(parts_.loaded.pools, spec.name, &config::PoolSpec::name);
    kept.emplace(spec.name, spec);
    if (before == parts_.loaded.pools.end()) {
      added.emplace(spec.name, spec);
      plan.push_back(plan_line(spec.name, "absent", "defined"));
      continue;
    }
    const auto changes = config::diff(*before, spec);
    if (changes.empty()) continue;
    updates.push_back({spec, config::strongest(changes) >= config::Applies::recycle});
    for (const config::Change& change : changes) plan.push_back(plan_line(Json(spec.name), change));
  }
  std::vector<std::string> removed;
  for (const config::PoolSpec& spec : parts_.loaded.pools) {
    if (kept.contains(spec.name)) continue;
    removed.push_back(spec.name);
    plan.push_back(plan_line(spec.name, "defined", "absent"));
  }
  const auto daemon_changes = config::diff(parts_.loaded.daemon, fresh->daemon);
  for (const config::Change& change : daemon_changes) plan.push_back(plan_line(Json(nullptr), change));
  Json answer{{"dry_run", dry_run}, {"plan", plan}};
  if (dry_run) {
    answer["generation"] = generation_;
    return answer;
  }

  auto sockets = gateway_.open(fresh->daemon.gateway);
  if (!sockets)
    return bad_config({{parts_.loaded.daemon.file, 0, "/gateway/listen", sockets.error().message}});

  for (const std::string& name : removed) {
    returning_.erase(name);
    if (PoolDriver* driver = find(name)) driver->stop();
  }
  for (Update& update : updates) {
    // A pool that was removed and came back may still be ending: then the latest definition waits for it.
    if (auto waiting = returning_.find(update.spec.name); waiting != returning_.end()) {
      waiting->second = update.spec;
    } else if (PoolDriver* driver = find(update.spec.name)) {
      driver->configure(update.spec, update.recycle);
    }
  }
  for (auto& [name, spec] : added) {
    if (find(name) != nullptr) {
      returning_.insert_or_assign(name, spec);
    } else {
      add_pool(spec);
    }
  }
  for (const config::Change& change : daemon_changes)
    if (change.applies == config::Applies::restart)
      log_warning("herd.json: " + change.pointer + " changed to " + change.after +
                  ": takes effect when herdd is started again");
  // What can't change in a running daemon stays, so that the next plan still shows it.
  parts_.loaded.daemon.control.roles = fresh->daemon.control.roles;
  access_.set_roles(fresh->daemon.control);
  parts_.loaded.daemon.gateway = fresh->daemon.gateway;
  gateway_.apply(parts_.loaded.daemon.gateway, fresh->pools, std::move(*sockets));
  parts_.loaded.pools = std::move(fresh->pools);
  ++generation_;
  answer["generation"] = generation_;
  note("config_reloaded", "generation " + std::to_string(generation_));
  return answer;
}

}  // namespace herd::daemon
