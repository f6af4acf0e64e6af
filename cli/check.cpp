// The configuration without a daemon: check reads the files as herdd would, config prints what may stand in
// them.
#include "cli/human.hpp"
#include "cli/verbs.hpp"
#include "config/load.hpp"
#include "config/schema.hpp"

namespace herd::cli {
namespace {

Json to_json(const config::Issue& issue) {
  return {{"file", issue.file}, {"line", issue.line}, {"pointer", issue.pointer}, {"message", issue.message}};
}

int check(Context& context, const std::string& file) {
  if (file.empty())
    return complain(context, "there is no default for --config: neither XDG_CONFIG_HOME nor HOME is set",
                    kUsage);
  const auto loaded = config::load(file, config::real_host());
  Json issues = Json::array();
  if (!loaded) {
    for (const config::Issue& issue : loaded.error()) issues.push_back(to_json(issue));
  }
  if (context.json) {
    print_json(context, {{"ok", issues.empty()}, {"issues", issues}});
  } else if (loaded) {
    context.out << file << ": ok, " << loaded->pools.size() << " pools\n";
  } else {
    for (const config::Issue& issue : loaded.error())
      context.err << printable(config::to_text(issue)) << "\n";
  }
  return loaded ? kOk : kNotFound;
}

int schema(Context& context, const std::string& which) {
  if (which == "pool") {
    print_json(context, config::pool_schema());
  } else if (which == "daemon") {
    print_json(context, config::daemon_schema());
  } else {
    print_json(context, {{"pool", config::pool_schema()}, {"daemon", config::daemon_schema()}});
  }
  return kOk;
}

}  // namespace

void add_config_verbs(CLI::App& app, Context& context) {
  CLI::App* reads =
      app.add_subcommand("check", "reads the configuration and prints every issue; exit code 3 if any");
  auto file = std::make_shared<std::string>(config::default_paths().file);
  reads->add_option("--config", *file, "the daemon's file")->capture_default_str();
  reads->callback([&context, file] { context.exit_code = check(context, *file); });

  CLI::App* about = app.add_subcommand("config", "about the configuration files");
  about->require_subcommand(1);
  CLI::App* prints = about->add_subcommand("schema", "their JSON Schema, for editors");
  auto which = std::make_shared<std::string>();
  prints->add_option("FILE", *which, "pool or daemon; default: both")
      ->check(CLI::IsMember({"pool", "daemon"}));
  prints->callback([&context, which] { context.exit_code = schema(context, *which); });
}

}  // namespace herd::cli
