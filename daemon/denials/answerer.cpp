#include "daemon/denials/answerer.hpp"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <system_error>

#include "common/kernel/signals_blocked.hpp"

namespace herd::denials {
namespace {

constexpr WorkerKey kWake = 0;  // no worker's key

}  // namespace

Answerer::Answerer(Deliver deliver)
    : deliver_(std::move(deliver)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      budget_(BudgetLimits{}, std::chrono::steady_clock::now()) {
  epoll_event event{EPOLLIN, {.u64 = kWake}};
  if (!wake_ || !epoll_ || epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0)
    throw std::system_error(errno, std::generic_category(), "epoll");
  const kernel::SignalsBlocked blocked;
  std::promise<void> begun;
  auto has_begun = begun.get_future();
  thread_ = std::thread([this, begun = std::move(begun)]() mutable { run(std::move(begun)); });
  try {
    has_begun.get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

Answerer::~Answerer() {
  is_stopping_ = true;
  eventfd_write(wake_.get(), 1);
  thread_.join();
}

Status Answerer::listen_to(const Asking& asking) const {
  epoll_event event{EPOLLIN, {.u64 = asking.key()}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, asking.fd(), &event) == 0) return {};
  return fail_errno("listen for denied calls");
}

void Answerer::stop_listening_to(const Asking& asking) const {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, asking.fd(), nullptr);
}

void Answerer::let_run(Asking& asking) const {
  if (!asking.held_until) return;
  asking.held_until.reset();
  (void)listen_to(asking);  // it was listened to before
}

Status Answerer::add(std::shared_ptr<Asking> asking) {
  const std::lock_guard lock(mutex_);
  HERD_CHECK(listen_to(*asking));
  asking_.insert_or_assign(asking->key(), std::move(asking));
  return {};
}

void Answerer::remove(WorkerKey key) {
  const std::lock_guard lock(mutex_);
  const auto found = asking_.find(key);
  if (found == asking_.end()) return;
  stop_listening_to(*found->second);
  asking_.erase(found);
}

void Answerer::let_run(WorkerKey key) {
  const std::lock_guard lock(mutex_);
  if (const auto found = asking_.find(key); found != asking_.end()) let_run(*found->second);
}

void Answerer::let_go(WorkerKey key) {
  const std::lock_guard lock(mutex_);
  const auto found = asking_.find(key);
  if (found == asking_.end()) return;
  found->second->may_be_held = false;
  let_run(*found->second);
}

bool Answerer::was_held_since(WorkerKey key, SteadyTime time) const {
  const std::lock_guard lock(mutex_);
  const auto found = asking_.find(key);
  return found != asking_.end() && (found->second->held_until || found->second->last_held >= time);
}

void Answerer::taken() {
  is_in_flight_ = false;
  eventfd_write(wake_.get(), 1);
}

std::uint64_t Answerer::settle() {
  const std::uint64_t number = ++settle_wanted_;
  eventfd_write(wake_.get(), 1);
  return number;
}

void Answerer::run(std::promise<void> begun) {
  pthread_setname_np(pthread_self(), "answers");
  try {
    interrupter_.emplace();
  } catch (const std::system_error&) {
    return begun.set_exception(std::current_exception());
  }
  begun.set_value();
  while (!is_stopping_) {
    (void)answer_some(wait_milliseconds());
    answer_settling();
    const SteadyTime now = std::chrono::steady_clock::now();
    let_run_due(now);
    deliver_due(now);
  }
}

/// False once nobody waits for an answer. Between epoll and the call's receipt somebody else may take the
/// call, where a program has kept its listener, too: the interrupter ends the wait that comes of it. It stays
/// set while there is something to do, so that it costs no call anything.
bool Answerer::answer_some(int wait_milliseconds) {
  std::array<epoll_event, 64> events;
  const int count = epoll_wait(epoll_.get(), events.data(), events.size(), wait_milliseconds);
  if (count > 0)
    interrupter_->set();
  else
    interrupter_->clear();
  bool has_answered = false;
  for (int i = 0; i < count && !is_stopping_; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == kWake) {
      eventfd_t ignored = 0;
      eventfd_read(wake_.get(), &ignored);
      continue;
    }
    has_answered = true;
    on_event(event.data.u64, event.events);
  }
  return has_answered;
}

void Answerer::answer_settling() {
  const std::uint64_t wanted = settle_wanted_;
  if (wanted == settled_) return;
  constexpr int kMostTurns = 64;
  for (int turn = 0; turn < kMostTurns && answer_some(0); ++turn) {
  }
  settled_ = report_.settled = wanted;
}

void Answerer::on_event(WorkerKey key, std::uint32_t events) {
  std::shared_ptr<Asking> asking;
  {
    const std::lock_guard lock(mutex_);
    const auto found = asking_.find(key);
    if (found == asking_.end()) return;
    asking = found->second;
  }
  if ((events & EPOLLIN) == 0) {
    if ((events & EPOLLHUP) == 0) return;  // EPOLLERR: the interrupter's signal came while the kernel looked
    const std::lock_guard lock(mutex_);
    return stop_listening_to(*asking);  // nobody has the filter any more
  }
  const auto record = asking->answer_one();
  if (!record) {
    if (!std::exchange(told_trouble_, true)) report_.trouble = record.error().message;
    return;
  }
  if (asking->shares_listener()) return drop(*asking);
  if (!*record) return;
  tally_.add(key, **record);
  const SteadyTime now = std::chrono::steady_clock::now();
  if (!budget_.spend(asking->bucket, now)) hold(*asking, now);
}

/// Once nobody else has it either, what is asked for gets ENOSYS.
void Answerer::drop(const Asking& asking) {
  tally_.add_shared_listener(asking.key());
  remove(asking.key());
}

void Answerer::hold(Asking& asking, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  if (!asking.may_be_held || asking.held_until) return;
  stop_listening_to(asking);
  asking.held_until = now + kHold;
  asking.last_held = now;
  tally_.add_hold(asking.key());
}

void Answerer::let_run_due(SteadyTime now) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, asking] : asking_) {
    if (!asking->held_until || *asking->held_until > now) continue;
    asking->last_held = now;
    let_run(*asking);
  }
}

bool Answerer::has_report() const {
  return report_.settled != 0 || !tally_.empty() || !report_.trouble.empty();
}

void Answerer::deliver_due(SteadyTime now) {
  if (!has_report() || is_in_flight_) return;
  if (!pace_.is_due(now) && report_.settled == 0) return;
  if (report_.settled == 0) pace_.note(now);
  is_in_flight_ = true;
  report_.news = tally_.take();
  deliver_(std::exchange(report_, {}));
}

int Answerer::wait_milliseconds() const {
  std::optional<SteadyTime> next;
  if (has_report() && !is_in_flight_) next = report_.settled != 0 ? SteadyTime::min() : pace_.next();
  const std::lock_guard lock(mutex_);
  for (const auto& [key, asking] : asking_)
    if (asking->held_until) next = std::min(next.value_or(*asking->held_until), *asking->held_until);
  if (!next) return -1;
  const SteadyTime now = std::chrono::steady_clock::now();
  if (*next <= now) return 0;
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*next - now).count());
}

}  // namespace herd::denials
