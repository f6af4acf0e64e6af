// herdctl seccomp suggest: what a pool's workers were denied, as lines for its profile.
#include "cli/human.hpp"
#include "cli/suggestions.hpp"
#include "cli/table.hpp"
#include "cli/verbs.hpp"
#include "protocol/control/routes.hpp"

namespace herd::cli {
namespace {

namespace route = protocol::route;

/// The events that are there; a gap in them is told, as calls may be missing.
int read_events(Context& context, const std::string& pool, Denials& denials) {
  protocol::Client client = context.client();
  auto stream = client.open(
      {.target = std::string(route::kEvents) + "?since=0&follow=0&pool=" + protocol::percent_encode(pool)});
  if (!stream) return complain(context, stream.error().message, kUnreachable);
  if (!stream->head().ok()) return complain_refused(context, stream->head());
  std::string line;
  for (;;) {
    const auto more = stream->next(line);
    if (!more) return complain(context, more.error().message, kUnreachable);
    if (!*more) return kOk;
    const Json event = Json::parse(line, nullptr, false);
    denials.add_event(event);
    if (at(event, "type") == "gap")
      context.err << "herdctl: earlier events are gone: calls of workers that have ended may be missing\n";
  }
}

Json allowed(const std::vector<Suggestion>& suggestions) {
  Json names = Json::array();
  for (const Suggestion& suggestion : suggestions)
    if (suggestion.advice == Suggestion::Advice::allow) names.push_back(suggestion.call);
  return names;
}

/// The lines for a profile: a new file on top of a built-in one, or more for the file that there is.
void print_profile(Context& context, const std::string& profile, const std::vector<Suggestion>& suggestions) {
  const Json names = allowed(suggestions);
  if (names.empty()) {
    context.out << "\nnothing of it should be added without thought\n";
  } else if (profile.starts_with('/')) {
    context.out << "\nto be added to " << printable(profile)
                << ", where it is herd's own:\n  \"allow\": " << names.dump()
                << "\nor, as another one of its \"syscalls\", where it is OCI JSON:\n  {\"names\": "
                << names.dump() << ", \"action\": \"SCMP_ACT_ALLOW\"}\n";
  } else {
    context.out << "\na profile that allows what is not known to be dangerous:\n  "
                << "{\"base\": " << Json(profile).dump() << ", \"allow\": " << names.dump() << "}\n";
  }
}

void print(Context& context, const std::string& profile, const std::vector<Suggestion>& suggestions) {
  if (suggestions.empty()) {
    context.out << "no denied call of this pool has been seen\n";
    return;
  }
  Table table({"SYSCALL", "ARCH", "TIMES", "ADVICE", "WHAT IT OPENS", "PROGRAMS"});
  for (const Suggestion& suggestion : suggestions) {
    std::string programs;
    for (const std::string& program : suggestion.programs)
      programs += (programs.empty() ? "" : " ") + program;
    table.add({printable(suggestion.call), printable(suggestion.arch), std::to_string(suggestion.times),
               std::string(name(suggestion.advice)), suggestion.opens, printable(programs)});
  }
  table.print(context);
  print_profile(context, profile, suggestions);
}

Json to_json(const Suggestion& suggestion) {
  return {{"syscall", suggestion.call},        {"arch", suggestion.arch},
          {"count", suggestion.times},         {"programs", suggestion.programs},
          {"advice", name(suggestion.advice)}, {"opens", suggestion.opens}};
}

int suggest(Context& context, const std::string& pool) {
  protocol::Client client = context.client();
  Denials denials;
  const auto about = client.get(protocol::fill(route::kPool, {pool}));
  if (!about) return complain(context, about.error().message, kUnreachable);
  if (!about->ok()) return complain_refused(context, *about);
  if (const int code = read_events(context, pool, denials); code != kOk) return code;
  const auto workers = client.get(protocol::fill(route::kPoolWorkers, {pool}));
  if (!workers) return complain(context, workers.error().message, kUnreachable);
  if (!workers->ok()) return complain_refused(context, *workers);
  if (const Json& list = at(workers->body, "workers"); list.is_array())
    for (const Json& worker : list) denials.add_worker(worker);
  const auto suggestions = denials.suggestions();
  const Json& named = at(about->body, "seccomp", "profile");
  const std::string profile = named.is_string() ? named.get<std::string>() : "worker";
  if (!context.json) {
    print(context, profile, suggestions);
    return kOk;
  }
  Json all = Json::array();
  for (const Suggestion& suggestion : suggestions) all.push_back(to_json(suggestion));
  print_json(context, {{"profile", profile}, {"denied", all}, {"allow", allowed(suggestions)}});
  return kOk;
}

}  // namespace

void add_suggest_verb(CLI::App& seccomp, Context& context) {
  CLI::App* verb = seccomp.add_subcommand(
      "suggest", "the denied calls of a pool's workers, what each would open up, and lines for its profile");
  auto pool = std::make_shared<std::string>();
  verb->add_option("POOL", *pool)->required();
  verb->callback([&context, pool] { context.exit_code = suggest(context, *pool); });
}

}  // namespace herd::cli
