#include "daemon/herdd/views.hpp"

#include <cstdio>
#include <ctime>

#include "common/seccomp/audit_names.hpp"
#include "daemon/herdd/pool_driver.hpp"
#include "daemon/worker/plan_builder.hpp"

namespace herd::daemon {
namespace {

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

/// As text: a number of JSON may lose what is beyond 53 bits.
Json hex(const denials::Arguments& arguments) {
  Json list = Json::array();
  for (const std::uint64_t argument : arguments) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(argument));
    list.push_back(text);
  }
  return list;
}

}  // namespace

std::string wall_time(std::chrono::system_clock::time_point time) {
  const auto since_epoch =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = since_epoch / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[80];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<int>(since_epoch % 1000));
  return text;
}

std::string wall_time(pool::Time time, pool::Time now) {
  return wall_time(std::chrono::system_clock::now() -
                   std::chrono::duration_cast<std::chrono::system_clock::duration>(now - time));
}

Json to_json(const Reason& reason) {
  Json json{{"kind", name(reason.kind)}, {"text", describe(reason)}};
  switch (reason.kind) {
    case ReasonKind::exited:
      json["code"] = reason.code;
      break;
    case ReasonKind::signaled:
      json["signal"] = reason.signal;
      break;
    case ReasonKind::denied_syscall:
      json["name"] = text_or_null(reason.what);
      break;
    case ReasonKind::setup_failed:
      json["stage"] = reason.what;
      json["errno"] = reason.errno_value;
      break;
    case ReasonKind::not_verified:
      json["what"] = reason.what;
      break;
    default:
      if (!reason.what.empty()) json["what"] = reason.what;
  }
  return json;
}

Json event_json(const std::string& type, const std::string& pool, const std::string& worker,
                const std::string& session) {
  return {{"time", wall_time(std::chrono::system_clock::now())},
          {"type", type},
          {"pool", pool},
          {"worker", text_or_null(worker)},
          {"session", text_or_null(session)},
          {"reason", nullptr}};
}

Json to_json(const denials::History::Entry& entry) {
  Json json{{"syscall", nullptr},
            {"arch", nullptr},
            {"action", nullptr},
            {"exe", nullptr},
            {"comm", nullptr},
            {"session", text_or_null(entry.session)},
            {"count", entry.count},
            {"first", wall_time(entry.first)},
            {"last", wall_time(entry.last)}};
  if (!entry.kind) return json;
  const seccomp::CallName name = seccomp::name_call(entry.kind->arch, entry.kind->number);
  json["syscall"] = name.syscall;
  json["arch"] = name.arch;
  json["action"] = seccomp::action_name(entry.kind->code);
  json["exe"] = text_or_null(entry.kind->exe);
  json["comm"] = text_or_null(entry.comm);
  if (entry.arguments) json["args"] = hex(*entry.arguments);
  return json;
}

std::string describe_denial(const Json& entry, std::uint64_t count) {
  const auto text = [&entry](const char* key) {
    return entry.at(key).is_null() ? std::string("?") : entry.at(key).get<std::string>();
  };
  const std::string times = count == 1 ? "once" : std::to_string(count) + " times";
  if (entry.at("syscall").is_null()) return "calls of more kinds than are listed, " + times;
  return text("syscall") + " (" + text("arch") + "), " + text("action") + ", by " + text("exe") + ", " +
         times;
}

void add_denials(Json& record, const denials::History& history) {
  Json list = Json::array();
  for (const denials::History::Entry& entry : history.entries()) list.push_back(to_json(entry));
  record["last_denials"] = std::move(list);
  record["denied_calls"] = history.total();
  record["held_back"] = history.holds();
}

std::string in_words(const denials::Visibility& visibility) {
  if (!visibility.seen) return "not known yet: herdd waits for the record of its own denied call";
  return *visibility.seen ? "seen" : "can't be seen: " + visibility.why_not;
}

Json to_json(const denials::Visibility& visibility, const Json& notified) {
  return {{"seen", or_null(visibility.seen)},
          {"why_not", text_or_null(visibility.why_not)},
          {"lost", visibility.lost},
          {"not_of_workers", visibility.of_others},
          {"unreadable", visibility.unreadable},
          {"notified_pools", notified}};
}

Json to_json(const std::vector<worker::Check>& checks, const std::vector<std::string>& left_out,
             bool verified) {
  Json list = Json::array();
  for (const worker::Check& check : checks)
    list.push_back(
        {{"name", check.name}, {"wanted", check.wanted}, {"found", check.found}, {"ok", check.ok}});
  return {{"verified", verified}, {"checks", list}, {"left_out", left_out}};
}

/// What a worker can reach of the host's that nothing of its sandbox keeps it from.
std::vector<std::string> exposures(const config::PoolSpec& pool) {
  if (pool.sandbox.network != config::Network::host) return {};
  if (pool.sandbox.landlock != config::LandlockMode::off) return {"the host's network"};
  return {"the host's network", "the host's abstract unix sockets: landlock is off"};
}

Json pool_json(const pool::Pool& pool, const DenialCounters& denials, pool::Time now) {
  const pool::View view = pool.view();
  const pool::Counters& counters = view.counters;
  const auto left =
      view.backoff_until ? std::chrono::duration_cast<Duration>(*view.backoff_until - now).count() : 0;
  return {{"name", pool.spec().name},
          {"state", name(view.state)},
          {"reason", text_or_null(view.reason)},
          {"generation", view.generation},
          {"workers",
           {{"min", view.min},
            {"max", view.max},
            {"spare", view.spare},
            {"starting", view.starting},
            {"idle", view.idle},
            {"bound", view.bound},
            {"stopping", view.stopping}}},
          {"queued", view.queued},
          {"sessions", pool.sessions().size()},
          {"backoff_ms", std::max<std::int64_t>(0, left)},
          {"weakened", weakenings(pool.spec())},
          {"seccomp",
           {{"policy", worker::policy_word(pool.spec().sandbox.seccomp.policy)},
            {"profile", pool.spec().sandbox.seccomp.profile},
            {"denials", seccomp::name(pool.spec().sandbox.seccomp.denials)}}},
          {"counters",
           {{"started", counters.started},
            {"gone", counters.gone},
            {"crashed", counters.crashed},
            {"oom_killed", counters.oom_killed},
            {"sessions", counters.sessions},
            {"acquires", counters.acquires},
            {"hits", counters.hits},
            {"denied", counters.denied},
            {"denied_calls", denials.calls},
            {"held_back", denials.holds}}}};
}

Json worker_json(const std::string& pool, const pool::WorkerView& view, const worker::Worker* acting,
                 pool::Time now) {
  Json json{{"id", view.id},
            {"pool", pool},
            {"state", name(view.state)},
            {"pid", nullptr},
            {"address", nullptr},
            {"session", or_null(view.session)},
            {"uid", nullptr},
            {"started", wall_time(view.started, now)},
            {"ready", view.verified ? Json(wall_time(view.ready, now)) : Json(nullptr)},
            {"sessions_served", view.sessions_served},
            {"status", nullptr},
            {"isolation", nullptr},
            {"usage", nullptr},
            {"denials_by", nullptr},
            {"last_denials", Json::array()},
            {"denied_calls", 0},
            {"held_back", 0}};
  if (acting == nullptr) return json;
  const worker::WorkerRecord& record = acting->record();
  json["pid"] = or_null(record.pid);
  json["address"] = text_or_null(record.address);
  json["uid"] = record.uid;
  json["status"] = text_or_null(record.status_text);
  json["isolation"] = to_json(record.checks, record.left_out, view.verified);
  json["isolation"]["exposed"] = exposures(acting->spec());
  json["denials_by"] = seccomp::name(acting->spec().sandbox.seccomp.denials);
  const kernel::CgroupUsage usage = acting->usage();
  json["usage"] = {{"memory_bytes", or_null(usage.memory_bytes)},
                   {"memory_peak_bytes", or_null(usage.memory_peak_bytes)},
                   {"cpu_seconds", or_null(usage.cpu_seconds)},
                   {"pids", or_null(usage.pids)}};
  return json;
}

Json session_json(const std::string& pool, const pool::SessionView& view, const worker::Worker* acting,
                  pool::Time now) {
  const auto idle = std::chrono::duration<double>(now - view.last_used).count();
  Json json{{"session", view.name},
            {"pool", pool},
            {"worker", view.worker},
            {"pid", nullptr},
            {"address", nullptr},
            {"lease", view.lease == config::Lease::idle ? "idle" : "connection"},
            {"started", wall_time(view.started, now)},
            {"idle_seconds", view.holders > 0 ? 0.0 : idle},
            {"holders", view.holders}};
  if (acting != nullptr) {
    json["pid"] = or_null(acting->record().pid);
    json["address"] = text_or_null(acting->record().address);
  }
  return json;
}

std::vector<std::string> weakenings(const config::PoolSpec& pool) {
  const config::SandboxSpec& sandbox = pool.sandbox;
  std::vector<std::string> found;
  if (sandbox.seccomp.policy == config::SeccompPolicy::off) found.push_back("sandbox.seccomp.policy: off");
  if (sandbox.seccomp.policy == config::SeccompPolicy::log) found.push_back("sandbox.seccomp.policy: log");
  if (!sandbox.no_new_privs) found.push_back("sandbox.no_new_privs: false");
  if (!sandbox.required) found.push_back("sandbox.required: false");
  if (sandbox.user != "auto") found.push_back("sandbox.user: " + sandbox.user);
  if (sandbox.namespaces.size() < config::SandboxSpec{}.namespaces.size())
    found.push_back("sandbox.namespaces: not all");
  for (const std::string& capability : sandbox.capabilities)
    found.push_back("sandbox.capabilities: " + capability);
  for (const std::string& path : sandbox.filesystem.writable)
    found.push_back("sandbox.filesystem.writable: " + path);
  if (!sandbox.filesystem.tmp) found.push_back("sandbox.filesystem.tmp: off");
  if (!pool.limits.memory) found.push_back("limits.memory: off");
  if (!pool.limits.cpu) found.push_back("limits.cpu: off");
  if (!pool.limits.pids) found.push_back("limits.pids: off");
  return found;
}

}  // namespace herd::daemon
