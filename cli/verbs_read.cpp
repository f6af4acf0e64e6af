// What is: status, pools, workers, one worker in full, sessions, version.
#include <algorithm>
#include <chrono>

#include "cli/human.hpp"
#include "cli/table.hpp"
#include "cli/verbs.hpp"
#include "protocol/control/routes.hpp"

namespace herd::cli {
namespace {

namespace route = protocol::route;
using protocol::fill;

auto now() {
  return std::chrono::system_clock::now();
}

void print_list(Context& context, const std::string& title, const Json& items) {
  if (!items.is_array() || items.empty()) return;
  context.out << "\n" << title << "\n";
  for (const Json& item : items) print_line(context, "  " + text_of(item));
}

/// "web-1 ready, tcp:127.0.0.1:8080"
std::string describe_gateway(const Json& gateway) {
  std::string text = text_of(at(gateway, "workers"));
  text += at(gateway, "ready") == true ? " ready" : " not ready";
  for (const Json& address : at(gateway, "listen")) text += ", " + text_of(address);
  if (const Json& reason = at(gateway, "reason"); !reason.is_null()) text += ": " + text_of(reason);
  return text;
}

int status(Context& context) {
  return ask(context, {.target = std::string(route::kStatus)}, [&](const Json& body) {
    std::vector<std::pair<std::string, std::string>> fields = {
        {"version", text_at(body, "version")},       {"up", seconds_at(body, "uptime_seconds")},
        {"generation", text_at(body, "generation")}, {"pools", text_at(body, "pools")},
        {"workers", text_at(body, "workers")},       {"sessions", text_at(body, "sessions")}};
    if (const Json& gateway = at(body, "gateway"); gateway.is_object())
      fields.emplace_back("gateway", describe_gateway(gateway));
    const Json& host = at(body, "host");
    if (host.is_object()) {
      for (const auto& [key, value] : host.items())
        fields.emplace_back("host " + printable(key), text_of(value));
    }
    if (const Json& notified = at(body, "denials", "notified_pools");
        notified.is_array() && !notified.empty())
      fields.emplace_back("asked about denials", text_of(notified));
    print_fields(context, fields);
    print_list(context, "warnings", at(body, "warnings"));
  });
}

int pools(Context& context) {
  return ask(context, {.target = std::string(route::kPools)}, [&](const Json& body) {
    Table table({"POOL", "STATE", "STARTING", "IDLE", "BOUND", "STOPPING", "MIN", "MAX", "SPARE", "QUEUED",
                 "SESSIONS", "NOTE"});
    for (const Json& pool : at(body, "pools")) {
      const Json& workers = at(pool, "workers");
      std::string note = text_at(pool, "reason");
      if (note == "-" && at(pool, "weakened").is_array() && !at(pool, "weakened").empty())
        note = "weakened: " + text_of(at(pool, "weakened"));
      table.add({text_at(pool, "name"), text_at(pool, "state"), text_at(workers, "starting"),
                 text_at(workers, "idle"), text_at(workers, "bound"), text_at(workers, "stopping"),
                 text_at(workers, "min"), text_at(workers, "max"), text_at(workers, "spare"),
                 text_at(pool, "queued"), text_at(pool, "sessions"), note});
    }
    table.print(context);
  });
}

int workers(Context& context, const std::string& pool) {
  const std::string target = pool.empty() ? std::string(route::kWorkers) : fill(route::kPoolWorkers, {pool});
  return ask(context, {.target = target}, [&](const Json& body) {
    Table table({"WORKER", "STATE", "PID", "SESSION", "VERIFIED", "AGE", "MEMORY", "ADDRESS"});
    for (const Json& worker : at(body, "workers")) {
      table.add({text_at(worker, "id"), text_at(worker, "state"), text_at(worker, "pid"),
                 text_at(worker, "session"), text_of(at(worker, "isolation", "verified")),
                 age_of(at(worker, "started"), now()), bytes_of(at(worker, "usage", "memory_bytes")),
                 text_at(worker, "address")});
    }
    table.print(context);
  });
}

void print_isolation(Context& context, const Json& isolation) {
  if (!isolation.is_object()) return;
  context.out << "\nisolation: " << (at(isolation, "verified") == true ? "verified" : "NOT verified") << "\n";
  Table table({"  PART", "WANTED", "FOUND", "OK"});
  for (const Json& check : at(isolation, "checks")) {
    const bool is_ok = at(check, "ok") == true;
    table.add({"  " + text_at(check, "name"), text_at(check, "wanted"), text_at(check, "found"),
               is_ok ? "yes" : "NO"});
  }
  table.print(context);
  print_list(context, "left out on this host", at(isolation, "left_out"));
  print_list(context, "open to it", at(isolation, "exposed"));
}

void print_denials(Context& context, const Json& denials) {
  if (!denials.is_array() || denials.empty()) return;
  context.out << "\nlast denials\n";
  const bool has_arguments =
      std::ranges::any_of(denials, [](const Json& one) { return one.contains("args"); });
  std::vector<std::string> heads{"  SYSCALL", "ARCH", "ACTION", "TIMES", "LAST", "SESSION", "PROGRAM"};
  if (has_arguments) heads.emplace_back("ARGUMENTS");
  Table table(heads);
  for (const Json& one : denials) {
    const bool is_kind = !at(one, "syscall").is_null();
    std::vector<std::string> cells{is_kind ? "  " + text_at(one, "syscall") : "  (others)",
                                   text_at(one, "arch"),
                                   text_at(one, "action"),
                                   text_at(one, "count"),
                                   text_at(one, "last"),
                                   text_at(one, "session"),
                                   text_at(one, "exe")};
    if (has_arguments) cells.push_back(text_of(at(one, "args")));
    table.add(cells);
  }
  table.print(context);
}

int inspect(Context& context, const std::string& worker) {
  return ask(context, {.target = fill(route::kWorker, {worker})}, [&](const Json& body) {
    const Json& usage = at(body, "usage");
    print_fields(context,
                 {{"worker", text_at(body, "id")},
                  {"pool", text_at(body, "pool")},
                  {"state", text_at(body, "state")},
                  {"pid", text_at(body, "pid")},
                  {"uid", text_at(body, "uid")},
                  {"address", text_at(body, "address")},
                  {"session", text_at(body, "session")},
                  {"started", text_at(body, "started") + " (" + age_of(at(body, "started"), now()) + " ago)"},
                  {"ready", text_at(body, "ready")},
                  {"sessions served", text_at(body, "sessions_served")},
                  {"restarts", text_at(body, "restarts")},
                  {"memory", bytes_of(at(usage, "memory_bytes"))},
                  {"cpu time", seconds_at(usage, "cpu_seconds")},
                  {"pids", text_at(usage, "pids")},
                  {"denied calls", text_at(body, "denied_calls")},
                  {"denials by", text_at(body, "denials_by")},
                  {"held back", text_at(body, "held_back")}});
    print_isolation(context, at(body, "isolation"));
    print_denials(context, at(body, "last_denials"));
  });
}

int sessions(Context& context, const std::string& pool) {
  const std::string target =
      pool.empty() ? std::string(route::kSessions) : fill(route::kPoolSessions, {pool});
  return ask(context, {.target = target}, [&](const Json& body) {
    Table table({"SESSION", "POOL", "WORKER", "PID", "LEASE", "AGE", "IDLE", "HOLDERS", "ADDRESS"});
    for (const Json& session : at(body, "sessions")) {
      table.add({text_at(session, "session"), text_at(session, "pool"), text_at(session, "worker"),
                 text_at(session, "pid"), text_at(session, "lease"), age_of(at(session, "started"), now()),
                 seconds_at(session, "idle_seconds"), text_at(session, "holders"),
                 text_at(session, "address")});
    }
    table.print(context);
  });
}

/// Of use where no daemon runs, so that one is no error.
int version(Context& context) {
  protocol::Client client = context.client();
  const auto reply = client.get(std::string(route::kStatus));
  const Json daemon = reply && reply->ok() ? at(reply->body, "version") : Json(nullptr);
  if (context.json) {
    print_json(context, {{"herdctl", HERD_VERSION}, {"herdd", daemon}});
  } else {
    print_fields(context, {{"herdctl", HERD_VERSION}, {"herdd", text_of(daemon)}});
  }
  return kOk;
}

void add_list(CLI::App& app, Context& context, const char* name, const char* what,
              int (*verb)(Context&, const std::string&)) {
  CLI::App* list = app.add_subcommand(name, what);
  auto pool = std::make_shared<std::string>();
  list->add_option("POOL", *pool, "of this pool only");
  list->callback([&context, pool, verb] { context.exit_code = verb(context, *pool); });
}

}  // namespace

void add_read_verbs(CLI::App& app, Context& context) {
  app.add_subcommand("status", "the daemon, what this host offers, warnings")->callback([&context] {
    context.exit_code = status(context);
  });
  app.add_subcommand("pools", "the pools and their counts")->callback([&context] {
    context.exit_code = pools(context);
  });
  add_list(app, context, "workers", "the workers", workers);
  CLI::App* one =
      app.add_subcommand("inspect", "one worker, with each part of its isolation: wanted and found");
  auto worker = std::make_shared<std::string>();
  one->add_option("WORKER", *worker, "a worker's id, as web-17")->required();
  one->callback([&context, worker] { context.exit_code = inspect(context, *worker); });
  add_list(app, context, "sessions", "the sessions and their workers", sessions);
  app.add_subcommand("version", "of this program and of the daemon")->callback([&context] {
    context.exit_code = version(context);
  });
}

}  // namespace herd::cli
