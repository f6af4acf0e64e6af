// What becomes known of a worker's denied calls, and what its reason owes to that.
#include <signal.h>

#include <algorithm>
#include <boost/asio.hpp>

#include "common/log.hpp"
#include "common/seccomp/audit_names.hpp"
#include "common/seccomp/profile.hpp"
#include "daemon/worker/worker.hpp"

namespace herd::worker {
namespace {

namespace asio = boost::asio;
using asio::as_tuple;
using asio::use_awaitable;

constexpr std::chrono::seconds kDenialsPatience{1};

}  // namespace

/// From before the first process, as it may begin with a denied call. Whatever the policy: a program may have
/// filters of its own.
void Worker::watch_denials() {
  const denials::Subject subject{record_.uid, taken_uid_.has_value()};
  records_lost_before_ = denials_source().visibility().lost;
  denials_ = denials_source().watch(
      subject, [weak = weak_from_this(), denied = callbacks_.denied](const denials::News& news) {
        const auto self = weak.lock();
        if (self) self->on_kills(news.kills);
        denied(news);
        if (self && news.shares_listener) self->on_shared_listener();
      });
}

void Worker::show_cgroup_to_denials() {
  if (!denials_ || is_notified()) return;
  auto freezer = cgroup_.open_freezer();
  if (!freezer)
    log_warning("a storm of denied calls can't be held back: " + freezer.error().message,
                {pool_->name, id_, {}});
  denials_->set_cgroup(cgroup_.path(), freezer ? std::move(*freezer) : kernel::Freezer());
}

void Worker::on_kills(const std::vector<denials::Kill>& kills) {
  constexpr std::size_t kMostKills = 16;
  kills_.insert(kills_.end(), kills.begin(), kills.end());
  if (kills_.size() > kMostKills) kills_.erase(kills_.begin(), kills_.end() - kMostKills);
  if (own_kill() != nullptr) timers_.record.cancel();
}

/// Of the worker's first process. Where its number is not known the last one has to do: whatever ended it
/// ended the rest.
const denials::Kill* Worker::own_kill() const {
  if (kills_.empty()) return nullptr;
  if (!record_.pid || !denials_source().visibility().numbers_processes) return &kills_.back();
  const auto found = std::ranges::find(kills_, *record_.pid, &denials::Kill::pid);
  return found == kills_.end() ? nullptr : &*found;
}

denials::Source& Worker::denials_source() const {
  return is_notified() ? resources_.notified : resources_.denials;
}

/// What is asked for before this waits for its answer; a worker that never hands its listener over is not
/// taken for verified.
void Worker::take_listener(kernel::Message message) {
  if (has_listener_ || message.fds.size() != 1) return;
  if (take_recording_) {
    has_listener_ = true;
    return take_recording_(std::move(message.fds.front()));
  }
  if (!is_notified() || !denials_) return;
  const Status taken = denials_->take_listener(std::move(message.fds.front()), answers_);
  if (!taken)
    return log_warning("the listener of its filter was refused: " + taken.error().message,
                       {pool_->name, id_, {}});
  has_listener_ = true;
}

/// The proof found no process that had it: it was hidden until then.
void Worker::on_shared_listener() {
  begin_stop({ReasonKind::not_verified, 0, 0, 0, "seccomp_listener",
              "a denied call was taken by somebody else who has its filter's listener, too"},
             Duration{0});
}

/// By herdd, in the filter's place.
std::optional<Reason> Worker::reason_of_kill() {
  if (!is_notified() || exited_->signal != SIGKILL || own_kill() == nullptr) return std::nullopt;
  const denials::Kill& kill = *own_kill();
  return Reason{ReasonKind::denied_syscall, 0, SIGKILL, 0,
                seccomp::name_call(kill.arch, kill.number).syscall};
}

/// Of a signal that the filter sends, and anybody else may: the kernel's record of the call tells.
Reason Worker::reason_of_sigsys() {
  const bool kills = pool_->sandbox.seccomp.policy == config::SeccompPolicy::kill;
  Reason reason{kills ? ReasonKind::denied_syscall : ReasonKind::signaled, 0, SIGSYS};
  if (const denials::Kill* kill = own_kill()) {
    const seccomp::CallName name = seccomp::name_call(kill->arch, kill->number);
    const bool is_native = kill->arch == seccomp::audit_arch(seccomp::native_arch()) && name.arch != "x32";
    const std::string call = name.syscall + (is_native ? "" : " of " + name.arch);
    (kills ? reason.what : reason.detail) = kills ? call : "its filter ended it: " + call;
    return reason;
  }
  const denials::Visibility visibility = denials_source().visibility();
  const bool would_be_seen = visibility.seen == true && visibility.lost == records_lost_before_ && taken_uid_;
  if (!kills) return reason;
  if (is_notified())
    return {
        ReasonKind::signaled,
        0,
        SIGSYS,
        0,
        "",
        "it made no call that herdd was asked about; a filter ends calls of foreign architectures unasked"};
  if (would_be_seen) return {ReasonKind::signaled, 0, SIGSYS, 0, "", "no denied call of it was recorded"};
  reason.detail = "unknown syscall, as ";
  if (visibility.seen != true) {
    reason.detail += "denied calls can't be seen";
    if (!visibility.why_not.empty()) reason.detail += ": " + visibility.why_not;
  } else {
    reason.detail += taken_uid_ ? "records were lost" : "its record can't be told from others of its user";
  }
  return reason;
}

/// What it was denied is told before it is gone. The kernel writes the record of a kill before the process
/// ends, so that one is here too, or comes at once.
asio::awaitable<void> Worker::settle_denials(Self self) {
  if (!self->denials_ || !self->denials_source().visibility().is_open) co_return;
  self->timers_.record.expires_after(kDenialsPatience);
  self->denials_->settle([self] {
    self->are_denials_settled_ = true;
    self->timers_.record.cancel();
  });
  while (!self->are_denials_settled_) {
    const auto [error] = co_await self->timers_.record.async_wait(as_tuple(use_awaitable));
    if (!error) break;
  }
  const bool is_by_sigsys = self->exited_ && self->exited_->signal == SIGSYS && !self->exited_->asked;
  if (!is_by_sigsys || self->own_kill() != nullptr) co_return;
  self->timers_.record.expires_after(kDenialsPatience);
  co_await self->timers_.record.async_wait(as_tuple(use_awaitable));
}

}  // namespace herd::worker
