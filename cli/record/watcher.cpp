#include "cli/record/watcher.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <system_error>

#include "cli/record/answer.hpp"
#include "cli/record/supervisor.hpp"

namespace herd::record {

Watcher::Watcher(seccomp::Listener listener, Recording& recording, Options options)
    : listener_(std::move(listener)),
      recording_(recording),
      options_(std::move(options)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) throw std::system_error(errno, std::generic_category(), "eventfd");
  const auto now = std::chrono::steady_clock::now();
  if (options_.timeout) deadline_ = now + *options_.timeout;
  if (options_.on_progress) progress_ = now;
  listener_.answer_on_the_callers_processor();
  thread_ = std::thread([this] { run(); });
}

void Watcher::finish() {
  if (!thread_.joinable()) return;
  ::eventfd_write(wake_.get(), 1);
  thread_.join();
}

void Watcher::run() {
  bool is_deserted = false;
  while (true) {
    pollfd entries[] = {{wake_.get(), POLLIN, 0}, {is_deserted ? -1 : listener_.fd(), POLLIN, 0}};
    ::poll(entries, std::size(entries), wait_milliseconds());
    if ((entries[1].revents & POLLIN) != 0)
      answer(listener_, [this](const seccomp_data& data) { return recording_.add(data); });
    else if (entries[1].revents != 0)
      is_deserted = true;  // nobody has the filter any more
    else if (entries[0].revents != 0)
      return;
    look_at_the_time();
  }
}

int Watcher::wait_milliseconds() const {
  const auto next = deadline_ && progress_ ? std::min(*deadline_, *progress_)
                    : deadline_            ? deadline_
                                           : progress_;
  if (!next) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(*next - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Watcher::look_at_the_time() {
  const auto now = std::chrono::steady_clock::now();
  if (progress_ && now >= *progress_) {
    options_.on_progress();
    progress_ = now + kProgressInterval;
  }
  if (!deadline_ || now < *deadline_) return;
  deadline_.reset();
  timed_out_ = true;
  options_.on_timeout();
}

}  // namespace herd::record
