#include "cli/record/supervisor.hpp"

#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <set>

#include "cli/record/answer.hpp"
#include "cli/record/descendants.hpp"
#include "cli/record/stops.hpp"
#include "common/unique_fd.hpp"

namespace herd::record {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kKillAgain{50};
/// Between two looks at signals and the time.
constexpr int kStopsAtOnce = 256;

/// The signals that end the recording, and SIGCHLD, as something to poll while this lives.
class Signals {
 public:
  Signals() {
    struct sigaction usual {};  // an inherited SIG_IGN would have the kernel reap in our place
    usual.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &usual, &child_before_);
    sigset_t caught;
    sigemptyset(&caught);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD}) sigaddset(&caught, number);
    ::sigprocmask(SIG_BLOCK, &caught, &before_);
    fd_ = UniqueFd(::signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~Signals() {
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
    ::sigaction(SIGCHLD, &child_before_, nullptr);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const sigset_t& before() const { return before_; }
  bool take(signalfd_siginfo& info) const {
    return ::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info);
  }

 private:
  sigset_t before_{};
  struct sigaction child_before_ {};
  UniqueFd fd_;
};

class Supervisor {
 public:
  Supervisor(const Order& order, Recording& recording, const Signals& signals, CaughtCommand command)
      : order_(order), recording_(recording), signals_(signals), command_(std::move(command)) {
    if (order.on_progress) progress_ = Clock::now();
  }

  Outcome run() {
    while (has_children_) {
      pollfd entries[] = {{signals_.fd(), POLLIN, 0},
                          {is_answering() ? command_.listener()->fd() : -1, POLLIN, 0}};
      ::poll(entries, std::size(entries), has_more_stops_ ? 0 : wait_milliseconds());
      if (entries[0].revents != 0) take_signals();
      if (has_more_stops_) reap();
      if ((entries[1].revents & POLLIN) != 0)
        answer_one();
      else if (entries[1].revents != 0)
        is_deserted_ = true;  // nobody has the filter any more; children may be left to wait for
      look_at_the_time();
    }
    if (command_.exec() == CaughtCommand::Exec::failed) outcome_.exec_errno = command_.exec_errno();
    return outcome_;
  }

 private:
  enum class Phase { recording, ending, killing };
  /// What is to be killed stays in its calls: it can't fork any more, so that the killing comes to an end.
  [[nodiscard]] bool is_answering() {
    return phase_ != Phase::killing && !is_deserted_ && command_.listener() != nullptr;
  }

  [[nodiscard]] int wait_milliseconds() const {
    const auto next = deadline_ && progress_ ? std::min(*deadline_, *progress_)
                      : deadline_            ? deadline_
                                             : progress_;
    if (!next) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }

  void answer_one() {
    answer(*command_.listener(), [this](const seccomp_data& data) { return note(data); });
  }

  Recording::Answer note(const seccomp_data& data) {
    if (command_.exec() != CaughtCommand::Exec::done) {
      ++outcome_.setup_calls;
      return Recording::Answer::go_on;
    }
    if (!outcome_.has_run && order_.timeout && phase_ == Phase::recording)
      deadline_ = Clock::now() + *order_.timeout;
    outcome_.has_run = true;
    return recording_.add(data);
  }

  void answer_stop(pid_t pid, int status) {
    if (phase_ == Phase::killing) return;
    if (const auto data = call_in(pid, status); data && note(*data) == Recording::Answer::no_such_syscall)
      refuse_call(pid);
    let_go_on(pid, status);
  }

  void take_signals() {
    signalfd_siginfo info{};
    while (signals_.take(info)) {
      if (info.ssi_signo == SIGCHLD) {
        reap();
        continue;
      }
      outcome_.signal = static_cast<int>(info.ssi_signo);
      if (phase_ == Phase::recording) {
        // A terminal has sent it to the command as well.
        begin_ending(info.ssi_code == SI_KERNEL ? 0 : outcome_.signal);
      } else {
        begin_killing();
      }
    }
  }

  void reap() {
    bool has_ended = false;
    has_more_stops_ = false;
    for (int stops = 0; !has_more_stops_;) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, WNOHANG | __WALL);
      if (pid < 0 && errno == EINTR) continue;
      if (pid < 0) has_children_ = false;
      if (pid <= 0) break;
      if (WIFSTOPPED(status)) {
        answer_stop(pid, status);
        has_more_stops_ = ++stops == kStopsAtOnce;
        continue;
      }
      if (pid == command_.pid()) outcome_.wait_status = status;
      told_.erase(pid);
      has_ended = true;
    }
    if (has_ended && phase_ == Phase::killing) kill_all();
    if (has_ended && phase_ == Phase::ending) tell_to_end();
  }

  void look_at_the_time() {
    const auto now = Clock::now();
    if (progress_ && now >= *progress_) {
      order_.on_progress();
      progress_ = now + kProgressInterval;
    }
    if (!deadline_ || now < *deadline_) return;
    if (phase_ == Phase::recording) {
      outcome_.timed_out = true;
      begin_ending(SIGTERM);
    } else if (phase_ == Phase::ending) {
      begin_killing();
    } else if (now >= killing_ends_) {
      outcome_.left_some = true;
      has_children_ = false;
    } else {
      kill_all();
      deadline_ = now + kKillAgain;
    }
  }

  void begin_ending(int signal) {
    phase_ = Phase::ending;
    deadline_ = Clock::now() + kGrace;
    ending_signal_ = signal;
    if (signal == 0) told_.insert(command_.pid());
    tell_to_end();
  }
  /// The command, and what was left behind by it or loses its parent now.
  void tell_to_end() {
    for (const pid_t pid : children())
      if (told_.insert(pid).second) ::kill(pid, ending_signal_ == 0 ? SIGTERM : ending_signal_);
  }
  void begin_killing() {
    phase_ = Phase::killing;
    killing_ends_ = Clock::now() + kKillLimit;
    deadline_ = Clock::now() + kKillAgain;
    kill_all();
  }
  /// The children's children become ours, and are killed when we hear of that by SIGCHLD or look again.
  void kill_all() {
    for (const pid_t pid : children()) ::kill(pid, SIGKILL);
  }

  const Order& order_;
  Recording& recording_;
  const Signals& signals_;
  CaughtCommand command_;
  Phase phase_ = Phase::recording;
  int ending_signal_ = 0;
  std::set<pid_t> told_;  // children that were told to end
  bool has_children_ = true, is_deserted_ = false, has_more_stops_ = false;
  std::optional<Clock::time_point> deadline_, progress_;
  Clock::time_point killing_ends_;
  Outcome outcome_;
};

}  // namespace

Result<Outcome> record_command(const Order& order, Recording& recording) {
  HERD_CHECK(become_subreaper());
  const Signals signals;
  if (signals.fd() < 0) return fail_errno("signalfd");
  HERD_TRY(CaughtCommand command,
           CaughtCommand::start({order.method, order.argv, signals.before(), order.out}));
  Supervisor supervisor(order, recording, signals, std::move(command));
  return supervisor.run();
}

}  // namespace herd::record
