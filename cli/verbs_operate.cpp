// What changes something: scale, drain, resume, restart, stop, reload.
#include <optional>

#include "cli/human.hpp"
#include "cli/table.hpp"
#include "cli/verbs.hpp"
#include "protocol/control/routes.hpp"

namespace herd::cli {
namespace {

namespace route = protocol::route;
using protocol::fill;

constexpr int kMaxWorkers = 100'000;  // the daemon's own bound

struct ScaleOptions {
  std::string pool;
  std::optional<int> min, max, spare;
};

int scale(Context& context, const ScaleOptions& options) {
  Json body = Json::object();
  if (options.min) body["min"] = *options.min;
  if (options.max) body["max"] = *options.max;
  if (options.spare) body["spare"] = *options.spare;
  if (body.empty()) return complain(context, "scale needs at least one of --min, --max, --spare", kUsage);
  return ask(context, {.method = "POST", .target = fill(route::kPoolScale, {options.pool}), .body = body},
             [&](const Json& pool) {
               const Json& workers = at(pool, "workers");
               context.out << printable(options.pool) << ": min " << text_at(workers, "min") << ", max "
                           << text_at(workers, "max") << ", spare " << text_at(workers, "spare")
                           << " until its file changes\n";
             });
}

void add_scale(CLI::App& app, Context& context) {
  CLI::App* verb = app.add_subcommand("scale", "changes a pool's size until its file changes");
  auto options = std::make_shared<ScaleOptions>();
  verb->add_option("POOL", options->pool)->required();
  verb->add_option("--min", options->min, "workers that there always are")->check(CLI::Range(0, kMaxWorkers));
  verb->add_option("--max", options->max, "workers that there may be")->check(CLI::Range(0, kMaxWorkers));
  verb->add_option("--spare", options->spare, "idle workers to keep ready")
      ->check(CLI::Range(0, kMaxWorkers));
  verb->callback([&context, options] { context.exit_code = scale(context, *options); });
}

/// A POST with a name in its path and nothing in its body.
void add_simple(CLI::App& app, Context& context, const char* name, const char* what, const char* argument,
                std::string_view pattern, const char* done) {
  CLI::App* verb = app.add_subcommand(name, what);
  auto object = std::make_shared<std::string>();
  verb->add_option(argument, *object)->required();
  verb->callback([&context, object, pattern, done] {
    context.exit_code = ask(context, {.method = "POST", .target = fill(pattern, {*object})},
                            [&](const Json&) { context.out << printable(*object) << ": " << done << "\n"; });
  });
}

void print_plan(Context& context, const Json& body, bool dry_run) {
  const Json& plan = at(body, "plan");
  if (!plan.is_array() || plan.empty()) {
    context.out << "nothing changes\n";
    return;
  }
  Table table({"POOL", "FIELD", "BEFORE", "AFTER", "APPLIES"});
  for (const Json& change : plan) {
    table.add({text_at(change, "pool"), text_at(change, "field"), text_at(change, "before"),
               text_at(change, "after"), text_at(change, "applies")});
  }
  table.print(context);
  if (dry_run) context.out << "\nnothing was changed: this is what a reload would do\n";
}

void add_reload(CLI::App& app, Context& context) {
  CLI::App* verb = app.add_subcommand("reload", "reads the configuration again and prints what changes");
  auto dry_run = std::make_shared<bool>(false);
  verb->add_flag("--dry-run", *dry_run, "only says what it would do");
  verb->callback([&context, dry_run] {
    const std::string query = *dry_run ? "?dry_run=1" : "";
    context.exit_code = ask(context, {.method = "POST", .target = std::string(route::kReload) + query},
                            [&](const Json& body) { print_plan(context, body, *dry_run); });
  });
}

}  // namespace

void add_operate_verbs(CLI::App& app, Context& context) {
  add_scale(app, context);
  add_simple(app, context, "drain", "takes no new sessions, lets the present ones end", "POOL",
             route::kPoolDrain, "draining");
  add_simple(app, context, "resume", "ends a drain, or starts a failed pool again", "POOL",
             route::kPoolResume, "resumed");
  add_simple(app, context, "restart", "replaces every worker; a bound one at its session's end", "POOL",
             route::kPoolRestart, "restarting");
  add_simple(app, context, "stop", "stops one worker; its session ends", "WORKER", route::kWorkerStop,
             "stopping");
  add_reload(app, context);
}

}  // namespace herd::cli
