// What happens and what is said: events, logs.
#include "cli/human.hpp"
#include "cli/table.hpp"
#include "cli/verbs.hpp"
#include "protocol/control/routes.hpp"

namespace herd::cli {
namespace {

namespace route = protocol::route;

/// Reads a stream to its end, flushing whenever there is nothing more for now.
int print_stream(Context& context, const std::string& target, const std::function<void(const Json&)>& print) {
  protocol::Client client = context.client();
  auto stream = client.open({.target = target});
  if (!stream) return complain(context, stream.error().message, kUnreachable);
  if (!stream->head().ok()) return complain_refused(context, stream->head());
  for (;;) {
    std::string line;
    auto state = stream->try_next(line);
    if (state && *state == protocol::LineStream::State::nothing_yet) {
      context.out.flush();
      auto more = stream->next(line);
      if (!more) return complain(context, more.error().message, kUnreachable);
      if (!*more) return kOk;
    } else if (!state) {
      return complain(context, state.error().message, kUnreachable);
    } else if (*state == protocol::LineStream::State::ended) {
      return kOk;
    }
    if (context.json) {
      context.out << line << "\n";
    } else if (const Json json = Json::parse(line, nullptr, false); json.is_object()) {
      print(json);
    }
  }
}

std::string gap_text(const Json& gap) {
  const Json& lost = at(gap, "lost");
  return lost.is_number() ? "--- " + text_of(lost) + " lost ---" : "--- " + text_at(gap, "message") + " ---";
}

void print_event(Context& context, const Json& event) {
  if (at(event, "type") == "gap") return print_line(context, gap_text(event));
  std::string line = text_at(event, "seq") + "  " + text_at(event, "time") + "  " + text_at(event, "type");
  for (const char* key :
       {"pool", "worker", "session", "syscall", "arch", "action", "exe", "count", "message"}) {
    if (const Json& value = at(event, key); !value.is_null() && value != "")
      line += std::string("  ") + key + "=" + text_of(value);
  }
  if (const Json& reason = at(event, "reason"); !reason.is_null()) line += "  reason=" + reason_of(reason);
  print_line(context, line);
}

/// To a file or a pipe the worker's text goes as it is; a terminal must not obey it.
void print_log_line(Context& context, const Json& line) {
  if (at(line, "gap") == true) return print_line(context, gap_text(line));
  const Json& text = at(line, "text");
  std::string words = text.is_string() ? text.get<std::string>() : "";
  if (context.terminal.is_tty) words = printable(words);
  context.out << text_at(line, "time") << " " << text_at(line, "stream") << " " << text_at(line, "session")
              << " | " << words << (at(line, "cut") == true ? " [cut]" : "") << "\n";
}

struct EventOptions {
  std::uint64_t since = 0;
  std::string pool;
  bool follow = false;
};

void add_events(CLI::App& app, Context& context) {
  CLI::App* verb = app.add_subcommand("events", "what happened to workers, sessions and pools");
  auto options = std::make_shared<EventOptions>();
  verb->add_option("--since", options->since, "only those after this number");
  verb->add_option("--pool", options->pool, "only of this pool");
  verb->add_flag("-f,--follow", options->follow, "and what comes, until Ctrl-C");
  verb->callback([&context, options] {
    std::string target = std::string(route::kEvents) + "?since=" + std::to_string(options->since) +
                         "&follow=" + (options->follow ? "1" : "0");
    if (!options->pool.empty()) target += "&pool=" + protocol::percent_encode(options->pool);
    context.exit_code =
        print_stream(context, target, [&](const Json& event) { print_event(context, event); });
  });
}

struct LogOptions {
  std::string worker;
  std::uint64_t since = 0;
  bool follow = false;
};

void add_logs(CLI::App& app, Context& context) {
  CLI::App* verb = app.add_subcommand("logs", "a worker's output");
  auto options = std::make_shared<LogOptions>();
  verb->add_option("WORKER", options->worker)->required();
  verb->add_option("--since", options->since, "only lines after this number");
  verb->add_flag("-f,--follow", options->follow, "and what comes, until the worker ends");
  verb->callback([&context, options] {
    const std::string target = protocol::fill(route::kWorkerLogs, {options->worker}) +
                               "?since=" + std::to_string(options->since) +
                               "&follow=" + (options->follow ? "1" : "0");
    context.exit_code =
        print_stream(context, target, [&](const Json& line) { print_log_line(context, line); });
  });
}

}  // namespace

void add_stream_verbs(CLI::App& app, Context& context) {
  add_events(app, context);
  add_logs(app, context);
}

}  // namespace herd::cli
