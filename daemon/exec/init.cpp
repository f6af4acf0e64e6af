#include "daemon/exec/init.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

#include "common/kernel/files.hpp"
#include "common/kernel/process.hpp"
#include "common/kernel/seqpacket.hpp"

namespace herd::exec {
namespace {

using Clock = std::chrono::steady_clock;

/// A worker that changes its status faster than this has only the latest passed on: the daemon reads each.
constexpr auto kStatusEvery = std::chrono::milliseconds(250);
/// More than the relay gives itself for the worker's last words.
constexpr int kLongestDrainMs = 500;

class Init {
 public:
  Init(int line, int child_signals, Tree tree, InitOptions options)
      : line_(line),
        signals_(child_signals),
        worker_(std::move(tree.worker)),
        relay_(std::move(tree.relay)),
        notify_(std::move(tree.notify)),
        options_(options) {}

  void run() {
    while (!worker_exit_) wait_once();
    drain_relay();
    kill_tree();
    reap_all();
    report(line_, *worker_exit_);
  }

 private:
  void wait_once() {
    std::array<pollfd, 3> entries{pollfd{line_is_open_ ? line_ : -1, POLLIN, 0}, pollfd{signals_, POLLIN, 0},
                                  pollfd{notify_ ? notify_->fd() : -1, POLLIN, 0}};
    poll(entries.data(), entries.size(), timeout_ms());
    const auto now = Clock::now();
    // Whatever else there was to do: a worker that keeps this busy must not live beyond its grace.
    if (kill_at_ && now >= *kill_at_) {
      kill_at_.reset();
      (void)kernel::send_signal(worker_.pidfd.get(), SIGKILL);
    }
    if (!status_.empty() && now >= status_at_) {
      report(line_, launch::NotifiedStatus{std::exchange(status_, {})});
      status_at_ = now + kStatusEvery;
    }
    if (entries[2].revents != 0) read_notices();
    if (entries[0].revents != 0) read_line();
    if (entries[1].revents != 0) reap();
  }

  [[nodiscard]] int timeout_ms() const {
    if (!kill_at_ && status_.empty()) return -1;
    const auto next = status_.empty() ? *kill_at_ : kill_at_ ? std::min(*kill_at_, status_at_) : status_at_;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
    return static_cast<int>(std::max<std::int64_t>(0, left));
  }

  void read_line() {
    auto message = kernel::receive_message(line_, false);
    if (!message && message.error().errno_value == EAGAIN) return;
    if (!message || message->text.empty()) {
      // Every copy of herdd's end is closed: nobody owns this worker any more.
      line_is_open_ = false;
      stop({options_.stop_signal, options_.stop_grace_ms});
      return;
    }
    const auto order = launch::parse_to_exec(message->text);
    if (!order) return;
    if (const auto* asked = std::get_if<launch::MakeSocket>(&*order)) return make_socket(*asked);
    stop(std::get<launch::Stop>(*order));
  }

  void make_socket(const launch::MakeSocket& order) const {
    const UniqueFd made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (made) return report(line_, launch::MadeSocket{order.request, 0}, {made.get()});
    report(line_, launch::MadeSocket{order.request, errno});
  }

  void stop(const launch::Stop& order) {
    const bool is_first = !std::exchange(asked_, true);
    const int signal = order.grace_ms <= 0 ? SIGKILL : order.signal;
    // To many programs the same signal again means: at once.
    if (is_first || signal == SIGKILL) (void)kernel::send_signal(worker_.pidfd.get(), signal);
    (void)kernel::send_signal(worker_.pidfd.get(), SIGCONT);  // a stopped process acts on no signal but these
    const auto kill_at = Clock::now() + std::chrono::milliseconds(order.grace_ms);
    if (!kill_at_ || kill_at < *kill_at_) kill_at_ = kill_at;
  }

  void read_notices() {
    // Bounded, so that a flood of notices does not keep an exit or a stop from being seen.
    NotifySocket::Notice notice;
    for (int i = 0; i < 16 && notify_->read(notice); ++i) {
      if (notice.sender != worker_.pid) {
        if (notice.ready && !told_refused_) report(line_, launch::NotifyRefused{notice.sender});
        told_refused_ = told_refused_ || notice.ready;
        continue;
      }
      if (notice.listener) {
        report(line_, launch::SeccompListener{}, {notice.listener.get()});
        notify_->take_no_more_listeners();
      }
      if (!notice.status.empty()) status_ = notice.status;
      if (notice.ready && !told_ready_) {
        told_ready_ = true;
        report(line_, launch::NotifiedReady{});
      }
    }
  }

  void reap() {
    signalfd_siginfo ignored{};
    while (read(signals_, &ignored, sizeof ignored) > 0) {
    }
    siginfo_t info{};
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0) {
      if (info.si_pid == worker_.pid) remember_exit(info);
      if (relay_ && info.si_pid == relay_->process.pid) relay_end_ = end_of_relay(info);
      info = {};
    }
    if (relay_end_ && !worker_exit_) stop_unreachable_worker();
  }

  static launch::RelayEnded end_of_relay(const siginfo_t& info) {
    if (info.si_code == CLD_EXITED) return {info.si_status, 0};
    return {0, info.si_status};
  }

  /// Nobody could reach it any more.
  void stop_unreachable_worker() {
    relay_.reset();
    report(line_, *std::exchange(relay_end_, std::nullopt));
    stop({options_.stop_signal, options_.stop_grace_ms});
  }

  /// What the worker has written before its end still gets to who reads it.
  void drain_relay() {
    if (!relay_) return;
    relay_->leash.reset();
    pollfd entry{relay_->process.pidfd.get(), POLLIN, 0};
    poll(&entry, 1, kLongestDrainMs);
  }

  void remember_exit(const siginfo_t& info) {
    launch::Exited exited;
    exited.asked = asked_;
    if (info.si_code == CLD_EXITED) {
      exited.code = info.si_status;
    } else {
      exited.signal = info.si_status;
      exited.core = info.si_code == CLD_DUMPED;
    }
    worker_exit_ = exited;
  }

  /// Everything that the worker left behind. As PID 1 one call reaches all; else the orphans are this
  /// process's children (it is their subreaper), and each round may bring up their children.
  void kill_tree() const {
    if (options_.is_pid_one) {
      kill(-1, SIGKILL);
      return;
    }
    kill_children();
  }

  static void kill_children() {
    const std::string path = "/proc/self/task/" + std::to_string(getpid()) + "/children";
    const auto text = kernel::read_file(path);
    if (!text) return;
    std::size_t at = 0;
    while (at < text->size()) {
      const int pid = std::atoi(text->c_str() + at);
      if (pid > 0) kill(pid, SIGKILL);
      const std::size_t space = text->find(' ', at);
      if (space == std::string::npos) break;
      at = space + 1;
    }
  }

  void reap_all() const {
    siginfo_t info{};
    while (waitid(P_ALL, 0, &info, WEXITED) == 0) {
      if (!options_.is_pid_one) kill_children();
    }
  }

  int line_, signals_;
  kernel::Cloned worker_;
  std::optional<Relay> relay_;
  std::optional<NotifySocket> notify_;
  InitOptions options_;
  std::optional<Clock::time_point> kill_at_;
  std::optional<launch::Exited> worker_exit_;
  std::optional<launch::RelayEnded> relay_end_;
  std::string status_;  // not yet passed on
  Clock::time_point status_at_{};
  bool asked_ = false, line_is_open_ = true, told_ready_ = false, told_refused_ = false;
};

}  // namespace

void run_init(int line, int child_signals, Tree tree, InitOptions options) {
  Init(line, child_signals, std::move(tree), options).run();
}

}  // namespace herd::exec
