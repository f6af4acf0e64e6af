#include "daemon/denials/reader.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include <array>
#include <system_error>

#include "common/kernel/signals_blocked.hpp"

namespace herd::denials {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMostInATurn = 256;
constexpr std::chrono::seconds kCleanEvery{1};

}  // namespace

Reader::Reader(Shared& shared, AuditSocket socket, HoldBack::StartGuard start_guard, Deliver deliver)
    : shared_(shared),
      socket_(std::move(socket)),
      deliver_(std::move(deliver)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      hold_back_(shared.mutex, std::move(start_guard)),
      budget_(BudgetLimits{}, Clock::now()) {
  if (!wake_) throw std::system_error(errno, std::generic_category(), "eventfd");
  const kernel::SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

Reader::~Reader() {
  is_stopping_ = true;
  eventfd_write(wake_.get(), 1);
  thread_.join();
}

void Reader::taken() {
  is_in_flight_ = false;
  eventfd_write(wake_.get(), 1);
}

std::uint64_t Reader::settle() {
  const std::uint64_t number = ++settle_wanted_;
  eventfd_write(wake_.get(), 1);
  return number;
}

void Reader::run() {
  pthread_setname_np(pthread_self(), "denials");
  test_.start();
  test_ends_ = Clock::now() + kTestPatience;
  while (!is_stopping_) {
    wait();
    const SteadyTime now = Clock::now();
    read_settling(now);
    if (const Status thawed = hold_back_.thaw_due(now); !thawed) tell_trouble(thawed.error().message);
    if (test_ends_ && *test_ends_ <= now) finish_test(now);
    if (last_cleaning_ + kCleanEvery <= now) {
      last_cleaning_ = now;
      const std::lock_guard lock(shared_.mutex);
      for (const WorkerKey key : shared_.registry.forget_old(now)) report_.forgotten.push_back(key);
    }
    deliver_due(now);
  }
  hold_back_.end();
}

void Reader::wait() {
  std::array<pollfd, 2> entries{{{socket_.fd(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
  const SteadyTime now = Clock::now();
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_deadline(now) - now).count();
  poll(entries.data(), entries.size(), static_cast<int>(std::max<std::int64_t>(0, left)));
  eventfd_t count;
  if (entries[1].revents != 0) eventfd_read(wake_.get(), &count);
}

SteadyTime Reader::next_deadline(SteadyTime now) const {
  constexpr std::chrono::minutes kIdle{1};
  SteadyTime next = now + kIdle;
  if (test_ends_) next = std::min(next, *test_ends_);
  if (const auto thaw = hold_back_.next()) next = std::min(next, *thaw);
  if (has_report() && !is_in_flight_) next = report_.settled != 0 ? now : std::min(next, pace_.next());
  const std::lock_guard lock(shared_.mutex);
  if (shared_.registry.has_ended()) next = std::min(next, last_cleaning_ + kCleanEvery);
  return next;
}

void Reader::read_settling(SteadyTime now) {
  const std::uint64_t wanted = settle_wanted_;
  bool is_more = read_some(now);
  if (wanted == settled_) return;
  constexpr int kMostTurns = 64;  // beyond what the buffer holds
  for (int turn = 0; is_more && turn < kMostTurns; ++turn) is_more = read_some(now);
  settled_ = report_.settled = wanted;
}

/// False once there is nothing left.
bool Reader::read_some(SteadyTime now) {
  std::string_view text;
  for (int i = 0; i < kMostInATurn; ++i) {
    switch (socket_.receive(text)) {
      case AuditSocket::Got::record:
        on_record(text, now);
        break;
      case AuditSocket::Got::lost:
        has_overflowed_ = true;
        note_lost();
        break;
      case AuditSocket::Got::other:
        break;
      case AuditSocket::Got::nothing:
        // Until its queue is empty a socket that overflowed goes on losing, and says so no more.
        if (std::exchange(has_overflowed_, false)) note_lost();
        return false;
    }
  }
  return true;
}

void Reader::on_record(std::string_view text, SteadyTime now) {
  const auto record = parse_record(text);
  if (record && test_ends_ && test_.is_record_of(*record)) {
    (void)test_.failure();  // once it is known that they are seen, the thread is gone, too
    return set_seen(true, "");
  }
  std::shared_ptr<Watched> watched;
  bool may_go_on = true;
  {
    const std::lock_guard lock(shared_.mutex);
    if (record) watched = shared_.registry.find(*record);
    if (!watched) {
      ++(record ? shared_.visibility.of_others : shared_.visibility.unreadable);
      return;
    }
    may_go_on = budget_.spend(watched->bucket, now);
  }
  tally_.add(watched->key, *record);
  if (!may_go_on) hold(watched, now);
}

void Reader::hold(const std::shared_ptr<Watched>& watched, SteadyTime now) {
  const auto held = hold_back_.hold(watched, now);
  if (held) {
    if (*held) tally_.add_hold(watched->key);
    return;
  }
  tell_trouble("a worker that makes too many denied calls can't be held back: " + held.error().message);
}

void Reader::tell_trouble(std::string sentence) {
  if (!std::exchange(told_trouble_, true)) report_.trouble = std::move(sentence);
}

void Reader::note_lost() {
  const std::uint64_t dropped = socket_.dropped();  // wraps at 2^32, where the count stands still
  const std::lock_guard lock(shared_.mutex);
  shared_.visibility.lost = std::max(shared_.visibility.lost, dropped);
}

void Reader::finish_test(SteadyTime) {
  const std::string failure = test_.failure();
  set_seen(false, failure.empty() ? why_no_record() : failure);
}

/// A record that comes late, on a host that is very busy, still proves that it does.
void Reader::set_seen(bool seen, const std::string& why_not) {
  test_ends_ = seen ? std::nullopt : std::optional(SteadyTime::max());
  report_.visibility_changed = true;
  const std::lock_guard lock(shared_.mutex);
  shared_.visibility.seen = seen;
  shared_.visibility.why_not = why_not;
}

bool Reader::has_report() const {
  return report_.settled != 0 || !tally_.empty() || !report_.forgotten.empty() ||
         report_.visibility_changed || !report_.trouble.empty();
}

void Reader::deliver_due(SteadyTime now) {
  if (!has_report() || is_in_flight_) return;
  if (!pace_.is_due(now) && report_.settled == 0) return;
  if (report_.settled == 0) pace_.note(now);
  is_in_flight_ = true;
  report_.news = tally_.take();
  deliver_(std::exchange(report_, {}));
}

}  // namespace herd::denials
