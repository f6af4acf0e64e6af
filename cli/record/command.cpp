#include "cli/record/command.hpp"

#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/record/earlier.hpp"
#include "cli/record/profile_text.hpp"
#include "cli/record/supervisor.hpp"
#include "common/kernel/files.hpp"
#include "common/units.hpp"
#include "config/document.hpp"

namespace herd::record {
namespace {

constexpr mode_t kProfileMode = 0644;

struct Options {
  std::string pool, output, name, timeout;
  std::vector<std::string> merged;
  bool ignores_arguments = false;
  bool with_exec = false;
  bool by_tracing = false;
};

std::string time_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

Run run_of(const Recording& recording, const std::vector<std::string>& command) {
  utsname names{};
  ::uname(&names);
  return {time_now(),        HERD_VERSION, names.release, std::string(seccomp::name(recording.arch())),
          recording.total(), command};
}

Status add_earlier(const std::vector<std::string>& files, Recording& recording, Provenance& provenance) {
  for (const std::string& file : files) {
    HERD_TRY(const std::string text, kernel::read_file(file, config::kMaxFileSize));
    HERD_CHECK(add_profile(text, file, recording, provenance));
  }
  return {};
}

/// Before the command has run for hours.
Status check_output(const std::string& output) {
  if (output.empty()) return {};
  const std::size_t slash = output.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : output.substr(0, slash + 1);
  if (::access(directory.c_str(), W_OK) != 0) return fail_errno("write to '" + directory + "'");
  return {};
}

std::string describe_end(const Outcome& outcome) {
  const std::string how = WIFSIGNALED(outcome.wait_status)
                              ? "was ended by signal " + std::to_string(WTERMSIG(outcome.wait_status))
                              : "exited with " + std::to_string(WEXITSTATUS(outcome.wait_status));
  const std::string why = outcome.timed_out ? ", as its time was over"
                          : outcome.signal != 0
                              ? ", as the recording was ended by signal " + std::to_string(outcome.signal)
                              : "";
  return "the command " + how + why;
}

/// What a reader of the profile has to know, and does not see in it.
std::vector<std::string> notes_of(const Recording& recording, const Outcome& outcome) {
  std::vector<std::string> notes;
  for (const std::string& name : recording.refused())
    notes.push_back(name + " was answered with ENOSYS, as herd's own profiles do");
  for (const auto& [name, call] : recording.calls())
    if (call.had_too_many) notes.push_back(name + " had too many kinds of arguments: they are left open");
  if (recording.foreign() + recording.x32() > 0)
    notes.push_back(
        std::to_string(recording.foreign() + recording.x32()) +
        " calls of a foreign architecture or x32 are not in the profile: no worker can make them");
  for (const int number : recording.unknown_numbers())
    notes.push_back("syscall number " + std::to_string(number) + " has no name and is not in the profile");
  if (outcome.left_some) notes.push_back("some of the command's processes could not be ended");
  return notes;
}

class Recorder {
 public:
  Recorder(const Options& options, const Surroundings& surroundings)
      : options_(options),
        surroundings_(surroundings),
        recording_(options.ignores_arguments ? Recording::Arguments::ignored
                                             : Recording::Arguments::looked_at),
        shows_progress_(::isatty(STDERR_FILENO) == 1) {
    provenance_.name = options.name.empty() ? options.pool : options.name;
  }

  void run() {
    if (const std::string problem = usage_problem(); !problem.empty())
      return end(Ending::wrong_usage, problem);
    Order order{options_.by_tracing ? Method::trace : Method::notify, surroundings_.command, std::nullopt};
    if (!options_.timeout.empty()) {
      const auto timeout = parse_duration(options_.timeout);
      if (!timeout) return end(Ending::wrong_usage, "--timeout: " + timeout.error().message);
      order.timeout = *timeout;
    }
    if (const auto writable = check_output(options_.output); !writable)
      return end(Ending::not_written, writable.error().message);
    // Before anything runs, too: a file that can't be read would cost the run.
    Provenance earlier;
    if (const auto added = add_earlier(options_.merged, recording_, earlier); !added)
      return end(Ending::not_written, added.error().message);
    record(std::move(order), earlier);
  }

 private:
  [[nodiscard]] std::string usage_problem() const {
    const bool has_command = !surroundings_.command.empty() && !surroundings_.command.front().empty();
    if (options_.pool.empty() && !has_command)
      return "record takes a pool, or a command after --, as: herdctl seccomp record -- /bin/ls";
    if (!options_.pool.empty() && options_.by_tracing)
      return "--ptrace is for a command of the caller's own: in a pool's sandbox calls are caught by "
             "notifications alone";
    return "";
  }
  void end(Ending ending, const std::string& problem) const { surroundings_.end(ending, problem); }

  void record(Order order, const Provenance& earlier) {
    // The profile is alone on stdout.
    if (options_.output.empty()) order.out = STDERR_FILENO;
    if (shows_progress_) order.on_progress = [this] { show_progress(); };
    surroundings_.out.flush();
    const bool is_in_pool = !options_.pool.empty();
    auto outcome = is_in_pool ? surroundings_.record_in_pool(options_.pool, order, recording_)
                              : record_command(order, recording_);
    if (shown_ > 0) surroundings_.err << "\r\033[K" << std::flush;
    if (!outcome)
      return end(is_in_pool ? Ending::refused_by_pool : Ending::not_written, outcome.error().message);
    if (!is_in_pool) outcome->command = surroundings_.command;
    const std::string& program = outcome->command.front();
    if (outcome->exec_errno != 0)
      return end(Ending::not_started, "start '" + program + "': " + ::strerror(outcome->exec_errno));
    if (!outcome->has_run) return end(Ending::not_started, "'" + program + "' was ended before it ran");
    provenance_.add(provenance_of(run_of(recording_, outcome->command)));
    provenance_.add(earlier);
    const bool with_exec = options_.with_exec || outcome->needs_exec;
    if (const auto written = write(with_exec); !written)
      return end(Ending::not_written, written.error().message);
    report(*outcome);
    end(Ending::written, "");
  }

  Status write(bool with_exec) const {
    const std::string profile = to_profile(recording_, provenance_, with_exec ? Exec::always : Exec::if_seen);
    if (!options_.output.empty()) return kernel::replace_file(options_.output, profile, kProfileMode);
    surroundings_.out << profile << std::flush;
    if (!surroundings_.out) return fail("write the profile to stdout");
    return {};
  }

  void show_progress() {
    if (recording_.total() == shown_) return;
    shown_ = recording_.total();
    surroundings_.err << "\r\033[Krecording: " << shown_ << " calls of " << recording_.calls().size()
                      << " kinds" << std::flush;
  }

  void report(const Outcome& outcome) const {
    const std::vector<std::string> notes = notes_of(recording_, outcome);
    if (surroundings_.json) {
      const bool is_signal = WIFSIGNALED(outcome.wait_status);
      const nlohmann::ordered_json said{
          {"profile", options_.output.empty() ? nlohmann::ordered_json(nullptr)
                                              : nlohmann::ordered_json(options_.output)},
          {"calls", recording_.total()},
          {"syscalls", recording_.calls().size()},
          {"runs", provenance_.runs},
          {is_signal ? "signal" : "exit_code",
           is_signal ? WTERMSIG(outcome.wait_status) : WEXITSTATUS(outcome.wait_status)},
          {"timed_out", outcome.timed_out},
          {"notes", notes}};
      surroundings_.err << said.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
    } else {
      surroundings_.err << "herdctl: " << describe_end(outcome) << "\nherdctl: " << recording_.total()
                        << " calls; the profile, of " << provenance_.runs
                        << (provenance_.runs == 1 ? " run" : " runs") << ", allows "
                        << recording_.calls().size() << " syscalls\n";
      for (const std::string& note : notes) surroundings_.err << "  note: " << note << "\n";
    }
    surroundings_.err << std::flush;
  }

  const Options& options_;
  const Surroundings& surroundings_;
  Recording recording_;
  Provenance provenance_;
  bool shows_progress_;
  std::uint64_t shown_ = 0;
};

}  // namespace

void add_record_command(CLI::App& seccomp, Surroundings surroundings) {
  CLI::App* verb = seccomp.add_subcommand("record", "runs a command and writes the profile that it needs");
  verb->footer(
      "herdctl seccomp record [OPTION]... -- COMMAND [ARGUMENT]...\n"
      "herdctl seccomp record [OPTION]... POOL [-- COMMAND [ARGUMENT]...]\n"
      "All calls of the command and of its descendants are answered one by one and noted, from its first\n"
      "instruction on; it has no-new-privs set. Without --output the profile is on stdout, and what the\n"
      "command writes there goes to stderr. Ctrl-C ends the command; the profile is written all the same.\n"
      "What did not run is not in it.\n"
      "With POOL, the pool's own command, or COMMAND, runs in exactly that pool's sandbox, as with herdctl "
      "run,\n"
      "but for its filter, and needs the admin's role: no call is denied meanwhile.");
  auto options = std::make_shared<Options>();
  verb->add_option("POOL", options->pool, "in whose sandbox; default: none, as this user");
  verb->add_option("--output", options->output, "where to write the profile; default: stdout");
  verb->add_option("--merge", options->merged, "also allow what this earlier recording does; may be repeated")
      ->allow_extra_args(false);
  verb->add_option("--name", options->name, "what the profile is for: stands in its comment");
  verb->add_option("--timeout", options->timeout, "end the command after that time, as 30s");
  verb->add_flag("--no-arguments", options->ignores_arguments, "note the names of calls alone");
  verb->add_flag("--with-exec", options->with_exec,
                 "allow execve in any case: for pools with \"enter\": \"exec\", whose filter is there before "
                 "the program is started");
  verb->add_flag(
      "--ptrace", options->by_tracing,
      "catch the calls by ptrace(2), which disturbs nothing but what traces itself: for commands that "
      "handle signals without SA_RESTART, as dash does with SIGCHLD");
  verb->callback(
      [options, surroundings = std::move(surroundings)] { Recorder(*options, surroundings).run(); });
}

}  // namespace herd::record
