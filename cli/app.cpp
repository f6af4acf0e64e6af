#include "cli/app.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iterator>

#include "cli/verbs.hpp"
#include "config/default_paths.hpp"
#include "protocol/control/nearest.hpp"
#include "protocol/control/routes.hpp"

namespace herd::cli {
namespace {

constexpr const char* kFooter =
    "Exit codes: 0 ok, 1 the daemon said no, 2 wrong usage, 3 not found, 4 not now (try again),\n"
    "5 cannot reach the daemon, 6 forbidden, 7 this host lacks what every pool needs (doctor). See "
    "herdctl(1).";

/// Verbs that take a command after "--"; of `seccomp` only `record`.
constexpr std::array<std::string_view, 3> kRunsCommand{"acquire", "run", "seccomp"};
constexpr std::array<std::string_view, 3> kTakesValue{"--socket", "-o", "--output"};

template <typename Range>
bool contains(const Range& range, std::string_view word) {
  return std::find(range.begin(), range.end(), word) != range.end();
}

/// The first word that is neither an option nor an option's value.
std::string verb_in(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (contains(kTakesValue, arguments[i])) {
      ++i;
    } else if (!arguments[i].starts_with('-')) {
      return arguments[i];
    }
  }
  return "";
}

std::vector<std::string> verbs_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(verb->get_name());
  return names;
}

/// What CLI11 would only call an unexpected argument.
int check_verb(const CLI::App& app, const std::vector<std::string>& arguments, Context& context) {
  const std::string verb = verb_in(arguments);
  const std::vector<std::string> names = verbs_of(app);
  if (!verb.empty() && !contains(names, verb)) {
    const std::vector<std::string_view> known(names.begin(), names.end());
    return complain(context, "unknown verb '" + verb + "'" + protocol::did_you_mean(verb, known), kUsage);
  }
  const bool runs_command =
      contains(kRunsCommand, verb) && (verb != "seccomp" || contains(arguments, "record"));
  if (!context.command.empty() && !runs_command)
    return complain(context, "'" + verb + "' takes no command after --", kUsage);
  return kOk;
}

/// An ordinary user's own daemon where there is one, else the system's.
std::string default_socket() {
  const std::string own = config::default_paths().control_socket;
  return !own.empty() && access(own.c_str(), F_OK) == 0 ? own : config::DefaultPaths{}.control_socket;
}

std::vector<std::string> take_command(std::vector<std::string>& arguments) {
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  if (dashes == arguments.end()) return {};
  std::vector<std::string> command(std::make_move_iterator(dashes + 1),
                                   std::make_move_iterator(arguments.end()));
  arguments.erase(dashes, arguments.end());
  return command;
}

void add_everything(CLI::App& app, Context& context) {
  app.footer(kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("herdctl ") + HERD_VERSION);
  app.add_option("--socket", context.socket,
                 "the daemon's control socket: an ordinary user's own ($XDG_RUNTIME_DIR/herd) where it "
                 "exists, else the "
                 "system's")
      ->envname(protocol::kSocketVariable)
      ->capture_default_str();
  app.add_option_function<std::string>(
         "-o,--output", [&context](const std::string& form) { context.json = form == "json"; },
         "table (for people) or json (what the daemon said)")
      ->check(CLI::IsMember({"table", "json"}))
      ->default_str("table");
  app.fallthrough();
  add_read_verbs(app, context);
  add_acquire_verbs(app, context);
  add_operate_verbs(app, context);
  add_stream_verbs(app, context);
  add_run_verb(app, context);
  add_config_verbs(app, context);
  add_seccomp_verbs(app, context);
  add_doctor_verb(app, context);
}

}  // namespace

int run(std::vector<std::string> arguments, std::ostream& out, std::ostream& err, const Terminal& terminal) {
  Context context{out, err, terminal, default_socket()};
  context.command = take_command(arguments);
  CLI::App app("Talks to herdd, the daemon that keeps pools of sandboxed workers.", "herdctl");
  add_everything(app, context);
  if (const int wrong = check_verb(app, arguments, context); wrong != kOk) return wrong;
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the end
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error, out, err);  // --help, --version
    complain(context, error.what(), kUsage);
    err << "  hint: herdctl --help, or herdctl VERB --help\n";
    return kUsage;
  }
  out.flush();
  return context.exit_code;
}

}  // namespace herd::cli
