// acquire and release: a session of one's own, for a moment, for as long as herdctl runs, or for a command's
// life.
#include <poll.h>

#include <array>
#include <optional>

#include "cli/command.hpp"
#include "cli/human.hpp"
#include "cli/table.hpp"
#include "cli/verbs.hpp"
#include "common/units.hpp"
#include "protocol/control/routes.hpp"

namespace herd::cli {
namespace {

namespace route = protocol::route;
using protocol::LineStream;

struct AcquireOptions {
  std::string pool, session, timeout, lease;
};

protocol::Request request_for(const AcquireOptions& options) {
  Json body = Json::object();
  if (!options.session.empty()) body["session"] = options.session;
  if (!options.timeout.empty()) body["timeout"] = options.timeout;
  if (!options.lease.empty()) body["lease"] = options.lease;
  // The daemon ends the wait, by this timeout or by its pool's.
  return {.method = "POST",
          .target = protocol::fill(route::kPoolSessions, {options.pool}),
          .body = std::move(body),
          .timeout = std::nullopt};
}

void print_grant(Context& context, const Json& grant) {
  if (context.json) {
    print_json(context, grant);
  } else {
    print_fields(context, {{"session", text_at(grant, "session")},
                           {"worker", text_at(grant, "worker")},
                           {"pid", text_at(grant, "pid")},
                           {"address", text_at(grant, "address")},
                           {"created", text_at(grant, "created")}});
  }
  context.out.flush();
}

/// What the stream still has to say while the lease is held. Empty: it goes on.
std::optional<int> read_lease(Context& context, LineStream& stream) {
  for (;;) {
    std::string line;
    const auto state = stream.try_next(line);
    if (!state) return complain(context, "the lease is lost: " + state.error().message, kUnreachable);
    if (*state == LineStream::State::nothing_yet) return std::nullopt;
    if (*state == LineStream::State::ended) return complain(context, "the daemon ended the lease", kRefused);
    const Json said = Json::parse(line, nullptr, false);
    if (said.is_object() && said.contains("ended"))
      return complain(context, "the session ended: " + reason_of(said["ended"]), kRefused);
  }
}

/// Until Ctrl-C or the session's end.
int hold(Context& context, LineStream& stream, SignalCatcher& signals) {
  for (;;) {
    if (const auto end = read_lease(context, stream)) return *end;
    std::array<pollfd, 2> entries{{{stream.fd(), POLLIN, 0}, {signals.fd(), POLLIN, 0}}};
    if (poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR)
      return complain(context, "poll failed", kRefused);
    if (signals.take() != 0) return kOk;
  }
}

/// Its exit status is ours, also where the session ends under it: it will notice, and knows better what to
/// do.
int run_command(Context& context, const Json& grant, LineStream* stream, SignalCatcher& signals) {
  const auto plain = [&](const char* key) { return at(grant, key).is_null() ? "" : text_at(grant, key); };
  auto command = Command::start(
      context.command,
      {{"HERD_SESSION", plain("session")}, {"HERD_ADDRESS", plain("address")}, {"HERD_PID", plain("pid")}},
      signals.before());
  if (!command) return complain(context, command.error().message, kCommandNotRun);
  bool is_held = stream != nullptr;
  for (;;) {
    if (is_held && read_lease(context, *stream)) is_held = false;
    // poll(2) leaves out an entry whose fd is negative.
    std::array<pollfd, 3> entries{
        {{command->fd(), POLLIN, 0}, {signals.fd(), POLLIN, 0}, {is_held ? stream->fd() : -1, POLLIN, 0}}};
    if (poll(entries.data(), entries.size(), -1) < 0) continue;
    if (entries[0].revents != 0) return command->wait();
    // The terminal sends Ctrl-C to the command too: only what is meant for herdctl alone is passed on.
    if (const int number = signals.take(); number == SIGTERM || number == SIGHUP) command->signal(number);
  }
}

int release(Context& context, const std::string& pool, const std::string& session,
            const std::function<void(const Json&)>& print) {
  return ask(context, {.method = "DELETE", .target = protocol::fill(route::kPoolSession, {pool, session})},
             print);
}

/// With an idle lease: nobody but us releases it when the command has ended.
int run_and_release(Context& context, const Json& grant, const std::string& pool, SignalCatcher& signals) {
  const int status = run_command(context, grant, nullptr, signals);
  protocol::Client client = context.client();
  const auto released = client.remove(protocol::fill(route::kPoolSession, {pool, text_at(grant, "session")}));
  if (!released) {
    complain(context, "release: " + released.error().message, kUnreachable);
  } else if (!released->ok() && released->status != 404) {  // 404: it has ended already
    complain_refused(context, *released);
  }
  return status;
}

/// The first line of a lease's stream, or the whole of a plain answer: both are one JSON object.
Result<Json> grant_in(LineStream& stream) {
  std::string line;
  HERD_TRY(const bool is_there, stream.next(line));
  Json grant = is_there ? Json::parse(line, nullptr, false) : Json();
  if (!grant.is_object()) return fail("herdd's answer is not a JSON object");
  return grant;
}

int acquire(Context& context, AcquireOptions options) {
  // A command's session ends with it, even if herdctl is killed.
  if (!context.command.empty() && options.lease.empty()) options.lease = "connection";
  protocol::Client client = context.client();
  auto stream = client.open(request_for(options));
  if (!stream) return complain(context, stream.error().message, kUnreachable);
  if (!stream->head().ok()) return complain_refused(context, stream->head());
  const auto grant = grant_in(*stream);
  if (!grant) return complain(context, grant.error().message, kUnreachable);
  const bool is_lease = stream->head().header("Content-Type").starts_with(protocol::kLinesType);
  if (context.command.empty()) {
    print_grant(context, *grant);
    if (!is_lease) return kOk;
  }
  // Not before now: a signal while it still waits ends herdctl, and its connection with it.
  auto signals = SignalCatcher::start();
  if (!signals) return complain(context, signals.error().message, kRefused);
  if (context.command.empty()) return hold(context, *stream, *signals);
  return is_lease ? run_command(context, *grant, &*stream, *signals)
                  : run_and_release(context, *grant, options.pool, *signals);
}

std::string check_duration(const std::string& text) {
  const auto parsed = parse_duration(text);
  return parsed ? "" : parsed.error().message;
}

}  // namespace

void add_acquire_verbs(CLI::App& app, Context& context) {
  CLI::App* take =
      app.add_subcommand("acquire", "binds a session to a worker of its own, or finds the one it has");
  take->footer(
      "herdctl acquire [OPTIONS] POOL [SESSION] [-- COMMAND...]\n"
      "With --lease connection it stays until Ctrl-C, and the session ends with it.\n"
      "With a COMMAND, that runs with HERD_SESSION, HERD_ADDRESS and HERD_PID, the session ends with it,\n"
      "and its exit status is herdctl's.");
  auto options = std::make_shared<AcquireOptions>();
  take->add_option("POOL", options->pool)->required();
  take->add_option("SESSION", options->session, "default: a random name");
  take->add_option("--timeout", options->timeout, "how long to wait for a worker, as 5s")
      ->check(check_duration);
  take->add_option("--lease", options->lease, "what keeps the session")
      ->check(CLI::IsMember({"idle", "connection"}));
  take->callback([&context, options] { context.exit_code = acquire(context, *options); });

  CLI::App* end = app.add_subcommand("release", "ends a session");
  auto names = std::make_shared<std::pair<std::string, std::string>>();
  end->add_option("POOL", names->first)->required();
  end->add_option("SESSION", names->second)->required();
  end->callback([&context, names] {
    context.exit_code = release(context, names->first, names->second, [&](const Json&) {
      context.out << printable(names->second) << ": released\n";
    });
  });
}

}  // namespace herd::cli
