#include "daemon/gateway/loop.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <array>

namespace herd::gateway {
namespace {

constexpr std::size_t kEventsOfATurn = 128;

}  // namespace

Result<std::unique_ptr<Loop>> Loop::create() {
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC)), waker(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll || !waker) return fail_errno("make an event loop");
  // The waker is the one file without a watcher.
  epoll_event event{EPOLLIN | EPOLLET, {.ptr = nullptr}};
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, waker.get(), &event) != 0)
    return fail_errno("make an event loop");
  return std::unique_ptr<Loop>(new Loop(std::move(epoll), std::move(waker)));
}

Status Loop::watch(int fd, std::uint32_t events, Watcher& watcher) {
  epoll_event event{events, {.ptr = &watcher}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return fail_errno("watch a file");
  return {};
}

void Loop::change(int fd, std::uint32_t events, Watcher& watcher) {
  epoll_event event{events, {.ptr = &watcher}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Loop::unwatch(int fd) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Loop::post(Call call) {
  bool is_first = false;
  {
    const std::lock_guard lock(mutex_);
    is_first = posted_.empty();
    posted_.push_back(std::move(call));
  }
  if (is_first) eventfd_write(waker_.get(), 1);
}

void Loop::again(Watcher& watcher) {
  if (std::ranges::find(again_, &watcher) == again_.end()) again_.push_back(&watcher);
}

void Loop::run_again() {
  running_again_.swap(again_);
  for (Watcher*& watcher : running_again_) {
    if (watcher != nullptr) watcher->on_events(0);
  }
  running_again_.clear();
}

void Loop::retire(std::unique_ptr<Watcher> watcher) {
  std::erase(again_, watcher.get());
  std::ranges::replace(running_again_, watcher.get(), nullptr);
  retired_.push_back(std::move(watcher));
}

void Loop::run_posted() {
  std::vector<Call> calls;
  {
    const std::lock_guard lock(mutex_);
    calls.swap(posted_);
  }
  for (const Call& call : calls) call();
}

void Loop::run(std::chrono::milliseconds period, const Call& tick, const std::function<bool()>& needs_ticks) {
  std::array<epoll_event, kEventsOfATurn> events;
  TimePoint next_tick = Clock::now() + period;
  bool is_ticking = true;
  while (!is_stopped_) {
    int wait = -1;
    if (!again_.empty())
      wait = 0;
    else if (is_ticking)
      wait = static_cast<int>(
          std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(next_tick - now_).count()));
    const int count = epoll_wait(epoll_.get(), events.data(), kEventsOfATurn, wait);
    now_ = Clock::now();
    bool is_posted = false;
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr == nullptr) {
        is_posted = true;
      } else {
        static_cast<Watcher*>(event.data.ptr)->on_events(event.events);
      }
    }
    if (is_posted) run_posted();
    run_again();
    if (now_ >= next_tick) {
      if (is_ticking) tick();
      next_tick = now_ + period;
    }
    is_ticking = needs_ticks();
    retired_.clear();
  }
}

}  // namespace herd::gateway
