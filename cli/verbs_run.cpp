// run: a command in exactly a pool's sandbox.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "cli/command.hpp"
#include "cli/relay.hpp"
#include "cli/run_client.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"
#include "common/kernel/seqpacket.hpp"
#include "protocol/run/messages.hpp"

namespace herd::cli {
namespace {

/// The command's exit code, or why it did not run.
int report_answer(Context& context, int connection) {
  auto message = kernel::receive_message(connection, true);
  if (!message || message->text.empty()) return complain(context, "herdd ended the connection", kUnreachable);
  const auto answer = run::parse_answer(message->text);
  if (!answer) return complain(context, answer.error().message, kUnreachable);
  if (!answer->message.empty()) complain(context, answer->message, kOk);
  return answer->started ? answer->exit_code : exit_code_of(*answer);
}

int run_on_terminal(Context& context, run::Request request, int connection) {
  auto terminal = make_terminal();
  if (!terminal) return complain(context, terminal.error().message, kRefused);
  auto resizes = watch_resizes();
  if (!resizes) return complain(context, resizes.error().message, kRefused);
  copy_size(resizes->get(), terminal->master.get());
  request.is_terminal = true;
  if (const char* type = std::getenv("TERM")) request.terminal_type = type;
  const int slave = terminal->slave.get();
  if (auto sent = send_request(connection, request, std::array{slave, slave, slave}); !sent)
    return complain(context, sent.error().message, kUnreachable);
  terminal->slave.reset();
  Status relayed;
  {
    auto raw = RawMode::start();  // our own settings are back before anything is printed
    if (!raw) return complain(context, raw.error().message, kRefused);
    const int master = terminal->master.get();
    Relay relay;
    relay.add_input(STDIN_FILENO, UniqueFd(fcntl(master, F_DUPFD_CLOEXEC, 0)));
    relay.add_output(std::move(terminal->master), STDOUT_FILENO);
    relayed = relay.run(connection, resizes->get(), [&] {
      copy_size(resizes->get(), master);
      return true;
    });
  }
  if (!relayed) return complain(context, relayed.error().message, kRefused);
  return report_answer(context, connection);
}

int run_on_files(Context& context, const run::Request& request, int connection) {
  auto signals = SignalCatcher::start();
  if (!signals) return complain(context, signals.error().message, kRefused);
  CommandFiles files{{}, {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}, {}};
  if (auto piped = pipe_terminals(files); !piped) return complain(context, piped.error().message, kRefused);
  if (auto sent = send_request(connection, request, files.fds); !sent)
    return complain(context, sent.error().message, kUnreachable);
  files.piped = {};
  int signal = 0;
  const auto relayed =
      files.relay.run(connection, signals->fd(), [&] { return (signal = signals->take()) == 0; });
  if (!relayed) return complain(context, relayed.error().message, kRefused);
  // Closing the connection, by ending, ends the command.
  return signal != 0 ? kSignalBase + signal : report_answer(context, connection);
}

int run_command(Context& context, const std::string& pool) {
  if (context.command.empty())
    return complain(context, "run takes a command after --, as: herdctl run " + pool + " -- /bin/sh", kUsage);
  const run::Request request{pool, context.command, false, "", false};
  if (auto text = run::to_json(request); !text) return complain(context, text.error().message, kUsage);
  context.out.flush();
  auto connection = connect_for_run(context);
  if (!connection) return complain(context, connection.error().message, exit_code_of(connection.error()));
  const bool is_terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
  return is_terminal ? run_on_terminal(context, request, connection->get())
                     : run_on_files(context, request, connection->get());
}

}  // namespace

void add_run_verb(CLI::App& app, Context& context) {
  CLI::App* verb = app.add_subcommand("run", "runs a command in exactly a pool's sandbox");
  verb->footer(
      "herdctl run POOL -- COMMAND [ARGUMENT]...\n"
      "COMMAND is absolute, as inside the sandbox. On a terminal it gets one of its own; else it works on\n"
      "herdctl's stdin, stdout and stderr. Its exit status is herdctl's; 127: it could not be started.");
  auto pool = std::make_shared<std::string>();
  verb->add_option("POOL", *pool)->required();
  verb->callback([&context, pool] { context.exit_code = run_command(context, *pool); });
}

}  // namespace herd::cli
