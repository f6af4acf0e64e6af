#include "cli/pool_recording.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "cli/command.hpp"
#include "cli/record/watcher.hpp"
#include "cli/run_client.hpp"
#include "common/kernel/seqpacket.hpp"

namespace herd::cli {
namespace {

/// As waitpid(2) would have it.
int wait_status_of(const run::Answer& answer) {
  const bool by_signal = !answer.code.empty() && answer.exit_code > kSignalBase;
  return by_signal ? answer.exit_code - kSignalBase : answer.exit_code << 8;
}

class PoolRecording {
 public:
  PoolRecording(Context& context, const record::Order& order, record::Recording& recording, int& exit_code)
      : context_(context), order_(order), recording_(recording), exit_code_(exit_code) {}

  Result<record::Outcome> run(const std::string& pool) {
    auto connected = connect_for_run(context_);
    if (!connected) return refuse(exit_code_of(connected.error()), connected.error());
    connection_ = std::move(*connected);
    auto signals = SignalCatcher::start();
    if (!signals) return refuse(kRefused, signals.error());
    CommandFiles files{{}, {STDIN_FILENO, order_.out < 0 ? STDOUT_FILENO : order_.out, STDERR_FILENO}, {}};
    if (auto piped = pipe_terminals(files); !piped) return refuse(kRefused, piped.error());
    const run::Request request{pool, order_.argv, false, "", true};
    if (auto sent = send_request(connection_.get(), request, files.fds); !sent)
      return refuse(kUsage, sent.error());
    files.piped = {};
    return begin(files, *signals);
  }

 private:
  tl::unexpected<Error> refuse(int exit_code, Error error) {
    exit_code_ = exit_code;
    return tl::make_unexpected(std::move(error));
  }

  /// The first message is the listener, or says why there is none.
  Result<record::Outcome> begin(CommandFiles& files, SignalCatcher& signals) {
    if (!wait_for_message(signals)) return refuse(kSignalBase + signal_, Error{"ended by a signal", 0});
    auto message = kernel::receive_message(connection_.get(), true);
    if (!message || message->text.empty())
      return refuse(kUnreachable, Error{"herdd ended the connection", 0});
    const auto caught = run::parse_caught(message->text);
    if (!caught || message->fds.size() != 1) return refuse_with(message->text);
    auto listener = seccomp::Listener::make(std::move(message->fds.front()));
    if (!listener) return refuse(kRefused, listener.error());
    outcome_.command = caught->command;
    outcome_.needs_exec = caught->needs_exec;
    if (!caught->address.empty())
      context_.err << "herdctl: it is reached at " << caught->address << "\n" << std::flush;
    return watch(std::move(*listener), files, signals);
  }

  bool wait_for_message(SignalCatcher& signals) {
    while (true) {
      pollfd entries[] = {{connection_.get(), POLLIN, 0}, {signals.fd(), POLLIN, 0}};
      poll(entries, std::size(entries), -1);
      if (entries[1].revents != 0 && (signal_ = signals.take()) != 0) return false;
      if (entries[0].revents != 0) return true;
    }
  }

  Result<record::Outcome> refuse_with(const std::string& text) {
    const auto answer = run::parse_answer(text);
    if (!answer) return refuse(kUnreachable, answer.error());
    return refuse(exit_code_of(*answer), Error{answer->message, 0});
  }

  Result<record::Outcome> watch(seccomp::Listener listener, CommandFiles& files, SignalCatcher& signals) {
    record::Watcher watcher(std::move(listener), recording_,
                            {order_.timeout, [this] { stop(); }, order_.on_progress});
    const auto relayed = files.relay.run(connection_.get(), signals.fd(), [&] {
      const int signal = signals.take();
      if (signal == 0) return true;
      const bool is_first = signal_ == 0;
      signal_ = signal;
      stop();
      return is_first;
    });
    auto message = kernel::receive_message(connection_.get(), false);
    watcher.finish();
    if (!relayed) return refuse(kRefused, relayed.error());
    outcome_.has_run = recording_.total() > 0;
    outcome_.timed_out = watcher.timed_out();
    outcome_.signal = signal_;
    if (!message) {  // a second signal: it is not waited for any more
      outcome_.wait_status = SIGKILL;
      outcome_.left_some = true;
      return outcome_;
    }
    const auto answer = run::parse_answer(message->text);
    if (!answer) return refuse(kUnreachable, Error{"herdd ended the connection", 0});
    if (!answer->started) return refuse(exit_code_of(*answer), Error{answer->message, 0});
    outcome_.wait_status = wait_status_of(*answer);
    return outcome_;
  }

  /// With the pool's stop signal and grace; it is recorded while it ends.
  void stop() const { (void)kernel::send_message(connection_.get(), "stop"); }

  Context& context_;
  const record::Order& order_;
  record::Recording& recording_;
  int& exit_code_;
  UniqueFd connection_;
  record::Outcome outcome_;
  int signal_ = 0;
};

}  // namespace

Result<record::Outcome> record_in_pool(Context& context, const std::string& pool, const record::Order& order,
                                       record::Recording& recording, int& exit_code) {
  return PoolRecording(context, order, recording, exit_code).run(pool);
}

}  // namespace herd::cli
